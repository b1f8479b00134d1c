"""Findings: what came of each check when a token is inspected, by the name of the check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, TypeVar

from vendor.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")


@unique
class Verdict(StrEnum):
    """What came of one check."""

    PASSED = "pass"
    REFUSED = "refused"
    UNSAID = "not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check, what came of it and why; `refusal` is what serving would answer."""

    check: str
    verdict: Verdict
    detail: str = ""
    refusal: Refusal | None = None


class Findings:
    """The findings of one inspection so far; the latest of a name stands."""

    def __init__(self) -> None:
        self._made: dict[str, Finding] = {}

    def listed(self) -> tuple[Finding, ...]:
        """Return all of them, in the order in which their checks were first come to."""
        return tuple(self._made.values())

    def ask(
        self, name: str, ask: Callable[[], Found], *, note: Callable[[Found], str] = lambda _: "", hint: str = ""
    ) -> Found | None:
        """Return what a check of serving returns, None if it refuses; either is noted."""
        try:
            found = ask()
        except Refusal as refusal:
            self.refused(name, refusal, hint=hint)
            return None
        self.passed(name, note(found))
        return found

    def failed(self, *names: str) -> bool:
        """Tell whether one of these checks was refused."""
        return any(name in self._made and self._made[name].verdict is Verdict.REFUSED for name in names)

    def passed(self, name: str, detail: str) -> None:
        """Note that a check holds."""
        self._made[name] = Finding(check=name, verdict=Verdict.PASSED, detail=detail)

    def refused(self, name: str, refusal: Refusal, *, hint: str = "") -> None:
        """Note why a check does not hold, with a hint that helps only here."""
        detail = f"{refusal.detail}{hint}"
        self._made[name] = Finding(check=name, verdict=Verdict.REFUSED, detail=detail, refusal=refusal)

    def unsaid(self, name: str, why: str) -> None:
        """Note why a check was not made."""
        self._made[name] = Finding(check=name, verdict=Verdict.UNSAID, detail=why)
