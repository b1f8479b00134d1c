"""What the documents show is so: links lead somewhere, targets exist, the schema on disk is the generated one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^(`{3,})[^\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"\bmake ([a-z][a-z.-]*)\b")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ +(.+)$", FENCED.sub("", document.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    for link in LINK.findall(FENCED.sub("", document.read_text("utf-8"))):
        place, _, anchor = link.partition("#")
        if "://" in place or place.startswith("mailto:"):
            continue
        target = (document.parent / place) if place else document
        assert target.exists(), link
        assert not anchor or target.suffix != ".md" or anchor in _anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_make_target_that_is_shown_exists(document: Path) -> None:
    rules = set(re.findall(r"^([a-z][a-z.-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    shown = "\n".join(re.findall(r"`[^`\n]+`|^ {4}.+$|^\$ .+$|^make .+$", document.read_text("utf-8"), re.MULTILINE))
    assert set(TARGET.findall(shown)) <= rules


def test_every_make_target_that_a_workflow_runs_exists() -> None:
    rules = set(re.findall(r"^([a-z][a-z.-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    run: set[str] = set()
    for path in (ROOT / ".github" / "workflows").glob("*.yaml"):
        for job in yaml.safe_load(path.read_text("utf-8"))["jobs"].values():
            matrix = job.get("strategy", {}).get("matrix", {})
            targets = [*matrix.get("target", []), *(one["target"] for one in matrix.get("include", []))]
            run |= {target.split()[0] for target in targets}
            run |= set(TARGET.findall("\n".join(step.get("run", "") for step in job["steps"])))
    assert "test-kube" in run
    assert run <= rules


@pytest.mark.parametrize(
    ("of", "path"),
    [
        ("config", "config/vendor.schema.json"),
        ("audit", "docs/audit.schema.json"),
        ("openapi", "docs/openapi.json"),
        ("openapi-operators", "docs/openapi-operators.json"),
    ],
)
def test_a_schema_on_disk_is_the_one_that_is_generated(of: str, path: str) -> None:
    vendor = Path(sys.executable).parent / "vendor"
    done = subprocess.run([vendor, "schema", of], capture_output=True, text=True, check=True)  # noqa: S603 - our command
    assert done.stdout == (ROOT / path).read_text("utf-8")
