"""Problems of shape, in plain words: what pydantic and a look at every value find, each at its place."""

from __future__ import annotations

from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from vendor.config.codes import Code
from vendor.config.document import without
from vendor.config.suggestions import near, siblings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vendor.config.document import Document
    from vendor.config.findings import Path

Model = TypeVar("Model", bound=BaseModel)

_EXPECTED: Final = {
    "string_type": "a string",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
    "kind": "a value of another type",
}

_CODES: Final = {
    "extra_forbidden": Code.UNKNOWN_KEY,
    "missing": Code.MISSING_KEY,
    "value_error": Code.WRONG_VALUE,
    "literal_error": Code.WRONG_VALUE,
    "too_short": Code.EMPTY_VALUE,
    "string_too_short": Code.EMPTY_VALUE,
    "greater_than": Code.OUT_OF_RANGE,
    "greater_than_equal": Code.OUT_OF_RANGE,
    "finite_number": Code.OUT_OF_RANGE,
}
"""Codes of pydantic's types of errors; any other one is about a type."""


def shaped(document: Document, model: type[Model], rest: type[Model] | None = None) -> Model | None:
    """Return a document's data as a model.

    What does not fit is found, and left out of the data, so that the rest can still be looked at as `rest`, which asks
    for less; None if nothing is left.
    """
    data = document.data
    for number in count():  # each round leaves something out
        try:
            return (rest or model if number else model).model_validate(data)
        except ValidationError as exc:
            errors = exc.errors(include_url=False)
        if not number:
            _Telling(document, model, data).tell(errors)
        wrong = {_path(data, error) for error in errors} - {()}
        if not wrong and (number or rest is None):
            return None
        document.left_out |= {document.as_written(path) for path in wrong}
        data = without(data, wrong)
    raise AssertionError  # pragma: no cover - counting has no end


def values(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every scalar of parsed data with its path."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from values(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from values(value, (*path, index))
    else:
        yield path, data


def refuse_empty(document: Document) -> None:
    """Find every key that has no value, and leave it out."""
    if not document.lacks:
        return
    empty = {path for path, value in values(document.data) if value is None and path}
    for path in empty - document.left_out:
        # Nothing has no place of its own: YAML's library gives that of what follows.
        place = document.keys.get(path, document.places[path])
        document.note(Code.NO_VALUE, place, path, "has no value; give it one or leave it out")
    document.data = without(document.data, empty)
    document.left_out |= empty


def _path(data: Any, error: Mapping[str, Any]) -> Path:
    """Return the part of an error's path that is in the data: pydantic also names members of unions there."""
    path: list[str | int] = []
    for part in error["loc"]:
        if isinstance(data, dict):
            inside = part in data
        else:
            inside = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if inside:
            path.append(part)
            data = data[part]
    return tuple(path)


class _Telling(Generic[Model]):
    """Turns errors of pydantic into findings."""

    def __init__(self, document: Document, model: type[Model], data: Any) -> None:
        self._document = document
        self._model = model
        self._data = data

    def tell(self, errors: Iterable[Mapping[str, Any]]) -> None:
        for error in errors:
            path, kind = _path(self._data, error), error["type"]
            last = str(error["loc"][-1]) if error["loc"] else ""
            if kind == "too_short" and self._lost_members(path):
                continue
            key = kind == "extra_forbidden" or last == "[key]"
            of = (last,) if kind == "missing" else ()
            code = Code.BAD_NAME if last == "[key]" else _CODES.get(kind, Code.WRONG_TYPE)
            self._document.find(code, path, self._message(error, path, last), key=key, of=of)

    def _lost_members(self, path: Path) -> bool:
        written = self._document.as_written(path)
        return any(one[:-1] == written for one in self._document.left_out)

    def _message(self, error: Mapping[str, Any], path: Path, last: str) -> str:
        kind, value = error["type"], self._data
        for part in path:
            value = value[part]
        if kind == "extra_forbidden":
            return "unknown key" + near(last, siblings(self._schema, path[:-1]))
        if kind == "string_type" and isinstance(value, int | float):
            return "expected a string: put it in quotes"
        told = error.get("ctx", {})
        # The tag of a union's name by itself stands behind the path.
        or_mapping = " or a mapping" if last == "text" and path[-1:] != ("text",) else ""
        plain = {
            "missing": f"{last} is missing",
            "value_error": str(told.get("error")),
            "literal_error": f"expected {told.get('expected')}{or_mapping}",
            "too_short": "may not be empty",
            "string_too_short": "may not be empty",
            "greater_than": "must be more than 0",
            "greater_than_equal": f"must be at least {told.get('ge')}",
            "finite_number": "must be a number that ends somewhere",
        }
        return plain.get(kind) or f"expected {_EXPECTED.get(kind, error['msg'])}, found {_named(value)}"

    @cached_property
    def _schema(self) -> dict[str, Any]:
        return self._model.model_json_schema()


def _named(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "a mapping", list: "a list", str: "a string", int: "a number", float: "a number"}
    return names.get(type(value), "nothing")
