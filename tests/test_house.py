"""The rules of the house that no linter knows: who reads the world, what state a module may have."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "vendor"
MODULES = sorted(PACKAGE.rglob("*.py"))
# They read the clock, the environment and files for everyone else; client and demo are programs of their own. What
# changes on disk while we serve (kept keys, the kubelet's token, certificates) is read and written by files.py alone.
READERS = ("serve.py", "process.py", "files.py", "cli/", "config/", "client/", "demo/")
# The audit lines' file is written by the sink; it is never read back.
WRITER = PACKAGE / "sink" / "end.py"
WRITES = re.compile(r"\d+: os\.(open|write|close|fstat|ftruncate|fsync|lseek|SEEK_CUR|O_[A-Z]+)")
INNER = [path for path in MODULES if not path.relative_to(PACKAGE).as_posix().startswith(READERS)]
VAGUE = {"utils", "helpers", "common", "manager", "core", "base", "types", "models", "services"}
CLOCKS = {"now", "utcnow", "today"}
FILES = {"read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir", "iterdir", "glob", "rglob"}
CHANGES = {"append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "remove", "discard", "clear"}
CACHES = {"cache", "lru_cache"}
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def reads(source: str) -> list[str]:
    """Return what `source` reads of the clock, the environment or the file system, with the line of each."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module in {"time", "os"}:
            found += [f"{node.lineno}: from {node.module} import {name.name}" for name in node.names]
        elif (isinstance(node, ast.Attribute) and _is_reading(node)) or (
            isinstance(node, ast.Name) and node.id == "open" and isinstance(node.ctx, ast.Load)
        ):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def _is_reading(node: ast.Attribute) -> bool:
    owner = ast.unparse(node.value)
    if owner in {"time", "os"}:
        return node.attr != "urandom"
    return (owner.split(".")[-1] in {"datetime", "date"} and node.attr in CLOCKS) or node.attr in FILES


def state(source: str) -> list[str]:
    """Return what `source` keeps or does at the level of the module, with the line of each."""
    tree = ast.parse(source)
    found = [ast.unparse(node) for node in ast.walk(tree) if _is_change(node)]
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found.append(f"{node.lineno}: work at import: {ast.unparse(node)}")
        elif isinstance(node, ast.Assign | ast.AnnAssign) and _is_lower_mutable(node):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def _is_change(node: ast.AST) -> bool:
    """A constant of the module that is changed, a `global`, or a cache that outlives its caller."""
    if isinstance(node, ast.Global):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in CHANGES and _is_constant(node.func.value)
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return _is_constant(node.value)
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []
    return any(ast.unparse(each).partition("(")[0].split(".")[-1] in CACHES for each in decorators)


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id.isupper()


def _is_lower_mutable(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return isinstance(node.value, MUTABLE) and any(not name.isupper() and not name.startswith("__") for name in names)


def test_rooms_import_only_what_they_may() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own tool
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_has_its_place_in_the_contracts() -> None:
    contracts = (ROOT / ".importlinter").read_text("utf-8").split()
    rooms = {f"vendor.{path.stem}" for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - {"vendor.__init__", "vendor.__main__", "vendor.__pycache__"} <= set(contracts)


@pytest.mark.parametrize("path", INNER, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_room_reads_no_clock_no_environment_and_no_file(path: Path) -> None:
    found = reads(path.read_text("utf-8"))
    assert [line for line in found if path != WRITER or not WRITES.fullmatch(line)] == []


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.stem != "__main__"], ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_a_module_keeps_no_state_and_does_no_work_when_it_is_imported(path: Path) -> None:
    assert state(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "time.time()",
        "time.monotonic()",
        "datetime.now(tz=UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "from time import monotonic",
        "os.environ['HOME']",
        "os.getenv('HOME')",
        "from os import environ",
        "open('file')",
        "Path('file').read_text()",
    ],
)
def test_the_scan_sees_a_reading_of_the_world(line: str) -> None:
    assert reads(f"def act():\n    {line}\n") if "import" not in line else reads(line)


@pytest.mark.parametrize(
    "source",
    [
        "held = {}",
        "held: list[int] = []",
        "TABLE = {}\ndef act():\n    TABLE['a'] = 1",
        "SEEN = set()\ndef act():\n    SEEN.add(1)",
        "def act():\n    global held\n    held = 1",
        "@functools.cache\ndef act(): ...",
        "@lru_cache(maxsize=1)\ndef act(): ...",
        "logging.basicConfig()",
    ],
)
def test_the_scan_sees_state_and_work_of_a_module(source: str) -> None:
    assert state(source)


def test_the_client_imports_the_standard_library_and_itself_alone() -> None:
    allowed = sys.stdlib_module_names | {"vendor.client", "_typeshed"}
    for path in (PACKAGE / "client").rglob("*.py"):
        # Who calls for a session of an SDK has that SDK.
        sdks = {"aiobotocore", "boto3", "botocore"} if path.name in {"botocore.py", "sessions.py"} else set()
        assert _imports(path.read_text("utf-8")) <= allowed | sdks, path


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not {path for path in MODULES if path.stem in VAGUE}


def _imports(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or ".")
    own = {name for name in found if name.startswith("vendor.client")}
    return {name.partition(".")[0] for name in found - own} | ({"vendor.client"} if own else set())


def test_what_is_too_slow_for_each_change_runs_each_week() -> None:
    weekly = (ROOT / ".github" / "workflows" / "weekly.yaml").read_text()
    (said,) = re.findall(r"^        target: \[(.*)\]$", weekly, re.MULTILINE)
    targets = {target.split()[0] for target in said.split(", ")}
    assert targets >= {"test-faults", "test-attacks", "bench", "soak", "matrix"}
    assert "schedule: [{cron: " in weekly
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
