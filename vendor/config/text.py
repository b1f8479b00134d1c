"""YAML 1.2 read strictly, with the place of every key and value kept.

The scalars are resolved here by the core schema (YAML 1.2.2 section 10.3): `no` and `15:00` are strings, `012` is a
number. Aliases, anchors, tags, merge keys, second documents and keys that stand twice are refused.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import ruamel.yaml
import yaml
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from vendor.config.codes import Code
from vendor.config.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vendor.config.findings import Path

LONGEST: Final = 1024 * 1024
"""Bytes of the largest file that may be read."""
DEEPEST: Final = 32
"""Levels of nesting that are read."""

# What YAML does not take as it stands (YAML 1.2.2 section 5.1), and a byte order mark in the middle.
_UNFIT: Final = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_NULL: Final = frozenset({"", "null", "Null", "NULL", "~"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_BASED: Final = re.compile(r"0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}", re.ASCII)
_FLOAT: Final = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII
)


# libyaml breaks lines at these, as YAML 1.1 did.
_OLD_BREAKS: Final = re.compile("[\x85\u2028\u2029]")

_ALIAS: Final = (ruamel.yaml.AliasEvent, yaml.AliasEvent)
_MAPPING: Final = (ruamel.yaml.MappingStartEvent, yaml.MappingStartEvent)
_MAPPING_END: Final = (ruamel.yaml.MappingEndEvent, yaml.MappingEndEvent)
_SEQUENCE: Final = (ruamel.yaml.SequenceStartEvent, yaml.SequenceStartEvent)
_SEQUENCE_END: Final = (ruamel.yaml.SequenceEndEvent, yaml.SequenceEndEvent)
_SCALAR: Final = (ruamel.yaml.ScalarEvent, yaml.ScalarEvent)
_DOCUMENT: Final = (ruamel.yaml.DocumentStartEvent, yaml.DocumentStartEvent)
_STREAM_END: Final = (ruamel.yaml.StreamEndEvent, yaml.StreamEndEvent)


class _BrokenError(Exception):
    """The rest of the file cannot be read, from this line and column on."""

    def __init__(self, code: Code, message: str, place: tuple[int, int] = (1, 1)) -> None:
        super().__init__(message)
        self.code = code
        self.place = place


def read(file: str, raw: bytes) -> Document:
    """Read a file's bytes; what is wrong with them is among the document's findings."""
    document = Document(file)
    try:
        text = _text(raw)
        document.refers = "${" in text or "\\" in text  # an escape can write a `$` too
        _Reader(document, iter(events(text))).read()
    except MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.note(Code.NOT_YAML, place, (), f"this is not YAML: {exc.problem or exc.context}")
        document.data = None
    except _BrokenError as exc:
        document.note(exc.code, exc.place, (), str(exc))
        document.data = None
    except (YAMLError, ValueError, AssertionError) as exc:
        # The library asserts what it does not expect, such as `%YAML 1.3`.
        document.note(Code.NOT_YAML, (1, 1), (), f"this is not YAML: {str(exc).partition(chr(10))[0]}")
        document.data = None
    return document


def events(text: str) -> Iterable[Any]:
    """Return the events of a YAML text; what they mean is decided by who reads them.

    libyaml reads twenty times as fast as ruamel.yaml, which knows YAML 1.2 and says better what is wrong: that reads
    again what libyaml does not take, and what the two would read differently. Raises ruamel's errors.
    """
    if yaml.__with_libyaml__ and text.endswith("\n") and not _OLD_BREAKS.search(text):
        with suppress(yaml.YAMLError):
            return list(yaml.parse(text, Loader=yaml.CLoader))
    found: Iterable[Any] = ruamel.yaml.YAML(typ="safe", pure=True).parse(text)
    return found


def _text(raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise _BrokenError(Code.BYTE_ORDER_MARK, "the file begins with a byte order mark; save it as plain UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        place = _place_in(raw[: exc.start].decode("utf-8"))
        raise _BrokenError(Code.NOT_UTF_8, "the file is not UTF-8: save it as such", place) from exc
    if (unfit := _UNFIT.search(text)) is not None:
        raise _BrokenError(Code.CONTROL_CHARACTER, "a control character stands here", _place_in(text[: unfit.start()]))
    return text


def _place_in(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


class _Reader:
    """Builds one document out of events."""

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self._document = document
        self._events = events

    def read(self) -> None:
        next(self._events)  # the stream's start
        first = next(self._events)
        if isinstance(first, _STREAM_END):
            raise _BrokenError(Code.EMPTY_FILE, "the file is empty")
        self._document.data = self._value(next(self._events), ())
        next(self._events)  # the document's end
        more = next(self._events)
        if isinstance(more, _DOCUMENT):
            self._document.note(Code.SECOND_DOCUMENT, _place(more), (), "a second document; a configuration is one")

    def _value(self, event: Any, path: Path) -> Any:
        # Of a key that stands twice the first value counts, and its places.
        self._document.places.setdefault(path, _place(event))
        if len(path) > DEEPEST:
            raise _BrokenError(Code.TOO_DEEP, "nested too deep", _place(event))
        if isinstance(event, _ALIAS):
            self._document.note(
                Code.ALIAS, _place(event), path, "an alias; write the value out, or use defaults and policies"
            )
            self._document.left_out.add(path)
            return None
        self._refuse_extras(event, path)
        if isinstance(event, _MAPPING):
            return self._mapping(path)
        if isinstance(event, _SEQUENCE):
            return self._sequence(path)
        if isinstance(event, _SCALAR):
            value = _scalar(event)
            self._document.lacks |= value is None
            return value
        raise _BrokenError(Code.NOT_YAML, "this is not YAML", _place(event))  # pragma: no cover - as above

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), _MAPPING_END):
            key = self._key(event, path)
            at = (*path, key)
            merge = key == "<<" and not event.style
            if merge:
                self._document.note(
                    Code.MERGE_KEY, _place(event), path, "a merge key; write the members out, or use defaults"
                )
            elif key in found:
                self._document.note(Code.REPEATED_KEY, _place(event), at, f"{key} stands twice here")
            self._document.keys.setdefault(at, _place(event))
            value = self._value(next(self._events), at)
            if not merge:
                found.setdefault(key, value)
        return found

    def _key(self, event: Any, path: Path) -> str:
        if not isinstance(event, _SCALAR):
            raise _BrokenError(Code.KEY_NOT_TEXT, "a key must be plain text", _place(event))
        self._refuse_extras(event, path)
        return _characters(event)

    def _sequence(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), _SEQUENCE_END):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _refuse_extras(self, event: Any, path: Path) -> None:
        if event.anchor is not None:
            self._document.note(
                Code.ALIAS, _place(event), path, "an anchor; write the value out, or use defaults and policies"
            )
        if getattr(event, "tag", None) is not None:
            self._document.note(Code.TAG, _place(event), path, "a tag; plain values have none")


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _characters(event: Any) -> str:
    """Return a scalar's text; an escape can name half a character, which no other part of this could take."""
    if _SURROGATE.search(event.value):
        raise _BrokenError(Code.HALF_CHARACTER, "an escape here is no whole character", _place(event))
    return str(event.value)


def _scalar(event: Any) -> str | int | float | bool | None:
    """Resolve a scalar: a quoted or block one is always a string."""
    text = _characters(event)
    if event.style:  # libyaml calls a plain one empty
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    return _number(text)


def _number(text: str) -> str | int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, base=0)
    if _FLOAT.fullmatch(text):
        return float(re.sub(r"\.(?=[iInN])", "", text))  # Python writes infinity without the dot
    return text
