"""Inclusion: whether all that one language holds is matched by some patterns, and whether any of it is.

The patterns become one automaton, and a language is walked through it piece by piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import chain, count, islice
from operator import or_
from typing import TYPE_CHECKING, Final

from vendor.policy.wildcard import STAR, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vendor.policy.wildcard import Characters, Piece

MOST: Final = 1000
"""Ways that a proof follows side by side; patterns that people write take a few dozen."""
_PRIVATE: Final = 0xE000


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """Some patterns any of which may match: one automaton, whose places are the bits of a number.

    `steps` holds, for a character that the patterns name, from which places it leads to the next one and at which it
    stays; `other` the same for all other characters. `skips` are the places that may be passed over, `forever` those
    from which everything is matched. All patterns begin with `head`, behind which they are at `begun`.
    """

    start: int
    end: int
    skips: int
    forever: int
    steps: Mapping[str, tuple[int, int]]
    other: tuple[int, int]
    head: str
    begun: int

    @classmethod
    def of(cls, languages: Iterable[Sequence[str | Span]]) -> Patterns:
        """Compile the languages of patterns."""
        places: list[str | Span | None] = []
        starts, ends, heads = [], [], []
        for whole in languages:
            heads.append(next((one for one in whole[:1] if isinstance(one, str)), ""))
            starts.append(len(places))
            for piece in whole:
                places += [piece] if isinstance(piece, Span) else piece
            ends.append(len(places))
            places.append(None)
        skips = _bits(place for place, one in enumerate(places) if isinstance(one, Span) and one.empty)
        head = _common(heads)
        start, begun = _bits(starts), _bits(start + len(head) for start in starts)
        return cls(
            start=start | (start & skips) << 1,
            end=_bits(ends),
            skips=skips,
            forever=_bits(end - 1 for end in ends if places[end - 1 : end] == [STAR]),
            steps={one: _step(places, one) for one in {":", *chain.from_iterable(map(_named, places))}},
            other=_step(places, ""),
            head=head,
            begun=begun | (begun & skips) << 1,
        )

    def hold(self, whole: Sequence[Piece]) -> bool:
        """Tell whether every text of a language is matched; no as well where that is not to be proven."""
        way = self.start
        if whole and isinstance(whole[0], str):  # so nearly all begin, and many are no more than that
            way = self._run_from_start(whole[0])
            whole = whole[1:]
        ways = {way}
        for piece in whole:
            ways = {way for way in ways if not way & self.forever}
            if not ways:
                return True
            ways = self._ends(ways, piece)
            if 0 in ways or len(ways) > MOST:
                return False
        return all(way & self.end for way in ways)

    def _run_from_start(self, text: str) -> int:
        if text.startswith(self.head):
            return self._run(self.begun, text[len(self.head) :])
        return self._run(self.start, text)

    def meet(self, whole: Iterable[Piece]) -> bool:
        """Tell whether any text of a language is matched."""
        way = self.start
        for piece in whole:
            way = self._united_ends(way, piece)
        return way & self.end != 0

    def _ends(self, ways: set[int], piece: Piece) -> set[int]:
        """Return where every text of a piece leads on every way."""
        if not isinstance(piece, Span):
            options = (piece,) if isinstance(piece, str) else piece
            return {self._run(way, option) for way in ways for option in options}
        found = set(ways) if piece.empty else set()
        characters = self._different(piece.characters)
        while ways and 0 not in found and len(found) <= MOST:
            new = {self._run(way, one) for way in ways for one in characters} - found
            found |= new
            ways = {way for way in new if not way & self.forever} if piece.many else set()
        return found

    def _united_ends(self, way: int, piece: Piece) -> int:
        """Return all the places to which any text of a piece leads."""
        if not isinstance(piece, Span):
            options = (piece,) if isinstance(piece, str) else piece
            return _united(self._run(way, option) for option in options)
        characters = self._different(piece.characters)
        reached = way if piece.empty else 0
        while way:
            new = _united(self._run(way, one) for one in characters) & ~reached
            reached |= new
            way = new if piece.many else 0
        return reached

    def _run(self, way: int, text: str) -> int:
        """Return where a text leads, or how far it does before all or nothing of what may follow is matched."""
        steps, other, skips, forever = self.steps, self.other, self.skips, self.forever
        for character in text:
            on, stay = steps.get(character, other)
            way = (way & on) << 1 | way & stay
            way |= (way & skips) << 1
            if not way or way & forever:
                break
        return way

    def _different(self, characters: Characters) -> Sequence[str]:
        """Return characters that stand for all of their kind: those that the patterns name, and one other."""
        named = [one for one in self.steps if one in characters]
        unnamed = map(chr, count(_PRIVATE)) if characters.others else characters.listed
        spare = (one for one in unnamed if one in characters and one not in self.steps)
        return [*named, *islice(spare, 1)]


def _named(place: str | Span | None) -> Iterable[str]:
    """Return the characters that a place tells from others."""
    return place.characters.listed if isinstance(place, Span) else place or ()


def _step(places: Sequence[str | Span | None], character: str) -> tuple[int, int]:
    """Return the places from which a character leads on, and those at which it stays."""
    spans = [(place, one) for place, one in enumerate(places) if isinstance(one, Span) and character in one.characters]
    same = [place for place, one in enumerate(places) if one == character]
    return _bits([*same, *(place for place, _ in spans)]), _bits(place for place, one in spans if one.many)


def _bits(places: Iterable[int]) -> int:
    return _united(1 << place for place in places)


def _united(ways: Iterable[int]) -> int:
    return reduce(or_, ways, 0)


def _common(heads: Sequence[str]) -> str:
    """Return what all of some texts begin with."""
    same = 0
    for characters in zip(*heads, strict=False):
        if len(set(characters)) > 1:
            break
        same += 1
    return heads[0][:same] if heads else ""
