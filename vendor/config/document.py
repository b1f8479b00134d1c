"""A document: what one file says, where each part of it stands, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from vendor.config.findings import Finding, Path, dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendor.config.codes import Code


@dataclass(slots=True)
class Document:
    """One file: its data, the place of each value, and the problems found so far.

    `places` holds line and column, counted from 1, of each value by its path, and `keys` those of the key before it.
    `left_out` are the paths, as written, of values that are wrong already: what follows from that is not worth a
    finding. `lacks` says that some key or item has no value, `refers` that some text may hold a `${`.
    """

    file: str
    data: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    left_out: set[Path] = field(default_factory=set)
    lacks: bool = False
    refers: bool = False
    errors: int = 0

    def find(self, code: Code, path: Path, message: str, *, key: bool = False, of: Iterable[str] = ()) -> None:
        """Note a problem with the value at a path, or with its key; a path that is not there is placed at what is.

        `of` are the members that the problem is about: where one of them was left out, there is nothing to say.
        """
        path = at = self.as_written(path)
        if path in self.left_out or any((*path, name) in self.left_out for name in of):
            return
        places = self.keys if key else self.places
        while at and at not in places:
            at, places = at[:-1], self.places
        self.note(code, places.get(at, (1, 1)), path, message)

    def note(self, code: Code, place: tuple[int, int], path: Path, message: str) -> None:
        """Note a problem at a line and column."""
        self.errors += code.severity == "error"
        self.findings.append(Finding(self.file, *place, dotted(path), message, code))

    def leave_out(self, paths: set[Path]) -> None:
        """Take values that are wrong out of the data; a later look at the rest names places as they are written."""
        written = {self.as_written(path) for path in paths}
        self.data = without(self.data, paths)
        self.left_out |= written

    def as_written(self, path: Path) -> Path:
        """Return the path in the file of a value in what is left of the data, where lists may have lost items."""
        at: Path = ()
        for part in path if self.left_out else ():
            index = part
            if isinstance(part, int):
                index = next(islice((index for index in count() if (*at, index) not in self.left_out), part, None))
            at = (*at, index)
        return at or path


def without(data: Any, paths: set[Path], at: Path = ()) -> Any:
    """Return data without the values at some paths, as a copy if there are any."""
    if not paths:
        return data
    if isinstance(data, dict):
        return {k: without(v, paths, (*at, k)) for k, v in data.items() if (*at, k) not in paths}
    if isinstance(data, list):
        return [without(v, paths, (*at, i)) for i, v in enumerate(data) if (*at, i) not in paths]
    return data
