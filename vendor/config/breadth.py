"""Breadth: grants that let more in than anybody meant, and matchers that can never match."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vendor.config.codes import Code
from vendor.identity import attributes
from vendor.policy.matcher import AnyOf, Contains, Equal, Glob, Present

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendor.config.document import Document
    from vendor.config.findings import Path
    from vendor.identity.issuer import Issuer
    from vendor.identity.kinds.rules import Form
    from vendor.identity.kinds.strangers import Owners
    from vendor.policy.grant import Grant
    from vendor.policy.matcher import Matcher

    One = Equal | Glob | Contains | Present

OF_ALL: Final = (("aud",), ("iss",), ("azp",))
"""Claims that say nothing of the workload: whoever gets tokens for us at all has the same ones."""


def check(document: Document, at: Path, made: Grant, issuer: Issuer) -> None:
    """Find what can never match in a grant's `where`, or else that it pins too little."""
    before = document.errors
    rules, extra = attributes.RULES[issuer.kind], dict(issuer.extra_attributes)
    for name, matcher in made.where:
        for path, one in _options((*at, "where", name), matcher) if name not in extra else ():
            _check_type(document, path, name, one, listed=name in rules.lists)
            _check_form(document, path, name, one, rules.forms.get(name))
    where = document.as_written((*at, "where"))
    if document.errors == before and not any(path[: len(where)] == where for path in document.left_out):
        _check_pins(document, (*at, "where"), made, issuer)


def _check_type(document: Document, at: Path, name: str, one: One, *, listed: bool) -> None:
    """Find a matcher of a type that the attribute never has: types must be equal."""
    if isinstance(one, Equal | Glob) and listed:
        document.find(Code.NEVER_THAT_TYPE, at, f"{name} is a list: write {{contains: …}}")
    elif isinstance(one, Contains) and not listed:
        document.find(Code.NEVER_THAT_TYPE, at, f"{name} is text and no list: write the value itself")
    elif isinstance(one, Equal) and not isinstance(one.value, str):
        quoted = f'write "{str(one.value).lower()}"' if isinstance(one.value, bool) else "put the number in quotes"
        document.find(Code.NEVER_THAT_TYPE, at, f"{name} is text: {quoted}")


def _check_form(document: Document, at: Path, name: str, one: One, form: Form | None) -> None:
    """Find a value or a glob that has other separators than every value of the attribute."""
    text = _text(one)
    if form is None or text is None or form.fits(text):
        return
    crosses = ", and * never crosses : or /" if isinstance(one, Glob) else ""
    document.find(Code.NEVER_THAT_FORM, at, f"no {name} looks like that: it is written {form.example}{crosses}")


def _check_pins(document: Document, at: Path, made: Grant, issuer: Issuer) -> None:
    """Find a grant that every token of its issuer satisfies, or that strangers can (T14)."""
    names = [name for name, _ in made.where]
    owners = attributes.RULES[issuer.kind].strangers(issuer.url)
    if all(_says_nothing(name, issuer) for name in names):
        chosen = ", and a request tag is what its sender likes" if attributes.RULES[issuer.kind].open else ""
        message = f"{' and '.join(names)} alone pins nothing: every token of the issuer can have it{chosen}"
        document.find(Code.PINS_NOTHING, at, message)
    elif owners is not None and not any(_names_owner(name, one, owners, issuer) for name, one in made.where):
        claims = ", ".join(("subject", *owners.claims))
        document.find(
            Code.STRANGERS,
            at,
            f"strangers get tokens of {issuer.name} too: pin one of {claims} to a value, "
            "or to a glob that has no * in the owner's name",
        )


def _says_nothing(name: str, issuer: Issuer) -> bool:
    """Tell whether an attribute is the same in all tokens, or what the sender of one likes."""
    path = dict(issuer.extra_attributes).get(name)
    if path is None:
        return name == "issuer" or name not in attributes.names(issuer)
    return any(path[: len(claim)] == claim for claim in (*OF_ALL, *attributes.RULES[issuer.kind].chosen))


def _names_owner(name: str, matcher: Matcher, owners: Owners, issuer: Issuer) -> bool:
    """Tell whether what satisfies a matcher is some owner's, whichever of its options it is that does."""
    path = dict(issuer.extra_attributes).get(name, (name,))
    texts = [_text(one) for _, one in _options((), matcher)]
    if name == "subject":
        return all(text is not None and owners.names_by_subject(text) for text in texts)
    return len(path) == 1 and all(text is not None and owners.names_by_claim(path[0], text) for text in texts)


def _options(at: Path, matcher: Matcher) -> Iterator[tuple[Path, One]]:
    """Yield each option of a matcher with its place."""
    if isinstance(matcher, AnyOf):
        for index, option in enumerate(matcher.options):
            yield from _options((*at, index), option)
    else:
        key = {Glob: ("glob",), Contains: ("contains",), Present: ("present",)}.get(type(matcher), ())
        yield (*at, *key), matcher


def _text(one: One) -> str | None:
    """Return the text of a matcher that compares with one, None for any other."""
    if isinstance(one, Glob):
        return one.pattern
    return one.value if isinstance(one, Equal) and isinstance(one.value, str) else None
