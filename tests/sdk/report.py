"""Report: the matrix of clients and doors in docs/clients.md, written from the last run of `make matrix`."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from tests.sdk.clients import CLIENTS
from tests.sdk.doors import DOORS
from tests.sdk.reasons import CANNOT, SHOWS

if TYPE_CHECKING:
    from collections.abc import Mapping

BEGIN: Final = "<!-- the matrix of the last `make matrix` begins here -->\n"
END: Final = "<!-- and ends here -->\n"
SIGNED: Final = "✓"


@dataclass(frozen=True, slots=True)
class Run:
    """What a run has shown: how each client fared at each door, and which version of it that was."""

    cells: Mapping[tuple[str, str], str]
    versions: Mapping[str, str]

    def missing(self) -> list[str]:
        """Return what is neither a client that came through a door nor a reason why it cannot."""
        asked = [(client.name, door.name) for client in CLIENTS for door in DOORS]
        told = {cell: self.cells.get(cell, "was not run") for cell in asked}
        return [f"{' at '.join(cell)}: {how}" for cell, how in told.items() if how not in {SIGNED, CANNOT.get(cell)}]


def read(path: Path) -> Run:
    """Read what pytest has written of a run."""
    cells: dict[tuple[str, str], str] = {}
    versions: dict[str, str] = {}
    for case in ET.parse(path).iter("testcase"):  # noqa: S314 - our own run's
        noted = {one.get("name", ""): one.get("value", "") for one in case.iter("property")}
        if {"client", "door"} <= noted.keys():
            cells[noted["client"], noted["door"]] = _how(case)
            versions |= {noted["client"]: noted["version"]} if "version" in noted else {}
    return Run(cells, versions)


def _how(case: ET.Element) -> str:
    skipped = case.find("skipped")
    if skipped is not None:
        return skipped.get("message", "")
    return SIGNED if case.find("failure") is None and case.find("error") is None else "failed"


def table(run: Run) -> str:
    """Return the matrix as a table, and the reasons under it."""
    reasons = list(dict.fromkeys(CANNOT.values()))
    heads = ["client", "SDK", *(door.name for door in DOORS), "of a refusal its user sees"]
    rows = []
    for client in CLIENTS:
        how = [run.cells[client.name, door.name] for door in DOORS]
        cells = [one if one == SIGNED else f"({reasons.index(one) + 1})" for one in how]
        rows.append([f"{client.name} {run.versions[client.name]}", client.sdk, *cells, SHOWS[client.name]])
    lines = [heads, ["---"] * len(heads), *rows]
    told = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join((*(f"| {' | '.join(line)} |" for line in lines), "", *told, ""))


def main(results: str, document: str) -> int:
    """Write the matrix of a run into a document, unless a cell is neither a success nor a reason."""
    run, path = read(Path(results)), Path(document)
    if missing := run.missing():
        sys.stderr.write("".join(f"{one}\n" for one in missing))
        return 1
    passage = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    path.write_text(passage.sub(lambda _: f"{BEGIN}\n{table(run)}\n{END}", path.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
