"""The chart's README: a head, and the table of its values from the comments in values.yaml that begin with `# --`.

`python -m tests.helm.readme` writes it anew.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from tests.helm.tools import CHART

HEAD = """\
# The chart of the credential vendor

[docs/kubernetes.md](../../docs/kubernetes.md) goes from an empty cluster to first credentials; this is the table of
values. It is made from values.yaml (`make chart-readme`); what is not in it is refused.

| value | default | what it says |
|---|---|---|
"""
_KEY = re.compile(r"( *)([A-Za-z][A-Za-z0-9]*):")


def readme() -> str:
    """Return the README as values.yaml would have it."""
    text = (CHART / "values.yaml").read_text("utf-8")
    values = yaml.safe_load(text)
    rows = [f"| `{'.'.join(path)}` | {_shown(_at(values, path))} | {told} |" for path, told in _told(text)]
    return HEAD + "\n".join(rows) + "\n"


def _told(text: str) -> list[tuple[tuple[str, ...], str]]:
    """Return what the comments say, by the path of the key that each stands above."""
    found = []
    path: list[str] = []
    said: list[str] = []
    for line in text.splitlines():
        comment = line.strip()
        if comment.startswith("# -- "):
            said = [comment[5:]]
        elif comment.startswith("# ") and said:
            said.append(comment[2:])
        elif key := _KEY.match(line):
            path = [*path[: len(key[1]) // 2], key[2]]
            if said:
                found.append((tuple(path), " ".join(said).replace("|", "\\|")))
            said = []
        else:
            said = []
    return found


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


def _shown(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`"


if __name__ == "__main__":
    (CHART / "README.md").write_text(readme(), "utf-8")
