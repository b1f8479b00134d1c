"""Runs a target under atheris for some seconds; where atheris has no wheel, walks the seeds and says so.

What atheris finds worth keeping stays in the folder, so that the next run begins there; what fails is beside it.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

READING = ("token", "segments", "keys", "form", "signature")
NAMES = (*READING, "matcher", "template", "value", "config", "xml", "sealed", "stored")
FOLDER = Path(__file__).parents[2] / ".cache" / "fuzz"


def fuzzer() -> Any | None:
    """Return atheris, None where it has no wheel."""
    try:
        return importlib.import_module("atheris")
    except ImportError:
        return None


def targets(atheris: Any | None) -> Any:
    """Return the module of the targets, imported so that atheris sees which branches of ours an input takes."""
    if atheris is None:
        return importlib.import_module("tests.fuzz.targets")
    with atheris.instrument_imports(include=["vendor"]):
        return importlib.import_module("tests.fuzz.targets")


def fuzz(atheris: Any, name: str, seconds: int, folder: Path) -> None:
    """Run a target under atheris, which ends the process: with 0, or at the first input that fails."""
    module, seeds = targets(atheris), folder / name
    seeds.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(module.seeds()[name]):
        (seeds / f"seed-{number}").write_bytes(data)
    limits = (f"-max_total_time={seconds}", "-max_len=20000", "-timeout=10", "-rss_limit_mb=1024")
    told = ("-print_final_stats=1", f"-artifact_prefix={folder}/{name}-")
    atheris.Setup([sys.argv[0], *limits, *told, str(seeds)], module.TARGETS[name])
    atheris.Fuzz()


def walk(name: str, seeds: list[bytes]) -> int:
    """Run a target over its seeds; return how many there were."""
    target = targets(None).TARGETS[name]
    for data in seeds:
        target(data)
    return len(seeds)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--target", choices=NAMES, default="segments")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    atheris = fuzzer()
    if atheris is None:
        walked = walk(arguments.target, targets(None).seeds()[arguments.target])
        print(f"atheris cannot be imported here: only the {walked} seeds were run")  # noqa: T201
    else:
        fuzz(atheris, arguments.target, arguments.seconds, arguments.folder)


if __name__ == "__main__":
    main()
