"""One scope while it is read: what it refers to, where its problems stand, and the texts with places in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vendor.config.codes import Code
from vendor.identity import attributes
from vendor.policy.template import TemplateError, Text

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path as FilePath

    from vendor.config import shape
    from vendor.config.ceilings import Ceiling
    from vendor.config.document import Document
    from vendor.config.files import Sources
    from vendor.config.findings import Path
    from vendor.config.fragments import Part
    from vendor.config.values import Target
    from vendor.identity.issuer import Issuer
    from vendor.policy.grant import Grant
    from vendor.policy.parameter import Parameter


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """What scopes refer to, from other parts of the configuration; None stands for a part that is broken itself.

    `used` collects the named policies that some scope uses, `documents` the files that policies come from; `above` are
    the ceilings over the file that is read, and with `lint` an IAM linter looks at the policies too.
    """

    main: Document
    folder: FilePath
    issuers: Mapping[str, Issuer | None]
    targets: Mapping[str, Target | None]
    policies: Mapping[str, Any]
    defaults: shape.Defaults
    sources: Sources
    documents: list[Document]
    used: set[str] = field(default_factory=set)
    above: tuple[Ceiling, ...] = ()
    lint: bool = False


class Reading:
    """One scope while it is read."""

    def __init__(self, document: Document, name: str, said: shape.Scope, around: Surroundings) -> None:
        self.document = document
        self.at: Path = ("scopes", name)
        self.name = name
        self.said = said
        self.around = around
        self.grants: tuple[Grant, ...] = ()
        self.parameters: dict[str, Parameter] = {}
        self.filled: set[str] = set()
        self.statements: tuple[Part, ...] = ()
        self.failed = False
        # A broken issuer yields nothing that could be checked.
        granting = (around.issuers.get(issuer) for issuer in dict.fromkeys(one.issuer for one in said.grants))
        self.issuers = [one for one in granting if one is not None]

    def find(self, code: Code, path: Path, message: str, *, key: bool = False, of: Iterable[str] = ()) -> None:
        """Note a problem of this scope, or of the defaults where they say what is wrong."""
        document, at = self.document, (*self.at, *path)
        inherited = ("defaults", *path)
        if path and at not in document.places and inherited in self.around.main.places:
            document, at = self.around.main, inherited
        document.find(code, at, message, key=key, of=of)

    def demands(self, issuer: Issuer, name: str) -> bool:
        """Tell whether no token of an issuer without this attribute gets as far as being filled in."""
        audits = (self.said.mode or self.around.defaults.mode) == "audit"
        return not audits and all(name in dict(one.where) for one in self.grants if one.issuer == issuer.name)

    def declares(self, name: str) -> bool:
        """Tell whether the scope declares a parameter, be it a broken one."""
        return (*self.at, "parameters", name) in self.document.keys

    @property
    def errors(self) -> int:
        """The number of problems so far, in the scope's own file and in the main one."""
        return self.document.errors + self.around.main.errors


def read_text(reading: Reading, at: Path, said: str | None) -> Text | None:
    """Return a text with places, whose names are all known."""
    if said is None:
        return None
    try:
        text = Text.parse(said)
    except TemplateError as exc:
        reading.find(Code.BAD_PLACE, at, str(exc))
        return None
    check_names(reading, text, (*reading.at, *at), reading.document.find)
    return text


def check_names(reading: Reading, text: Text, at: Path, find: Callable[[Code, Path, str], None]) -> None:
    """Find a place that no attribute of every granting issuer and no parameter can fill."""
    for name in text.names():
        reading.filled.add(name)
        if reading.declares(name):
            continue
        for issuer in reading.issuers:
            _check_name(reading, name, issuer, at, find)


def _check_name(reading: Reading, name: str, issuer: Issuer, at: Path, find: Callable[[Code, Path, str], None]) -> None:
    """Find a place that an issuer's tokens cannot fill, or not all of them that a grant lets in."""
    rules = attributes.RULES[issuer.kind]
    form = rules.forms.get(name)
    if name not in attributes.names(issuer):
        if rules.open:
            find(Code.TAG_IN_PLACE, at, f"{{{{ {name} }}}} is taken for a request tag, which its sender chose")
        else:
            find(Code.UNKNOWN_PLACE, at, f"{{{{ {name} }}}} is no parameter, and no attribute of issuer {issuer.name}")
    elif name in rules.lists:
        find(Code.NEVER_FILLED, at, f"{name} is a list, so {{{{ {name} }}}} can never be filled")
    elif form is not None and not form.skeleton.fullmatch("x"):
        find(Code.NEVER_FILLED, at, f"{name} is written {form.example}, so {{{{ {name} }}}} can never be filled")
    elif name in rules.optional and not reading.demands(issuer, name):
        find(Code.NOT_ALWAYS_FILLED, at, f"not every token has {name}: who lacks it is refused")


def check_literal(
    reading: Reading, at: Path, text: Text, shape_of: re.Pattern[str], *, shortest: int = 0, longest: int
) -> None:
    """Find a text whose literal parts STS would not take, whatever its places are filled with."""
    literal = "".join(part for part in text.parts if isinstance(part, str))
    if not shape_of.fullmatch(literal):
        reading.find(Code.STS_TEXT, at, "holds a character that STS does not take here")
    if len(literal) > longest:
        reading.find(Code.STS_TEXT, at, f"at most {longest} characters")
    if len(literal) < shortest and not text.names():
        reading.find(Code.STS_TEXT, at, f"at least {shortest} characters")
