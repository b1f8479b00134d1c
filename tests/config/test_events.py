"""Two YAML libraries, one reading: what libyaml takes, ruamel.yaml reads as the same events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import ruamel.yaml
import yaml

from vendor.config.text import events

ROOT = Path(__file__).parents[2]
FILES = [*ROOT.glob("config/*.yaml"), *ROOT.glob("tests/config/broken/*.yaml"), ROOT / ".pre-commit-config.yaml"]
TEXTS = {
    **{path.name: path.read_bytes().decode(errors="replace") for path in FILES},
    "an empty flow": "a: {b: [], c: {}}\n",
    "json": '{"a": [1, "b\\/c", null], "d": {"e": true}}\n',
    "block scalars": "a: |\n  b\n\n  c\nd: >-\n  e\n  f\n",
    "urls in flows": "a: [http://b:80/c, d]\n",
    "colons and hashes": "a: b:c\nd: 'e # f'\ng: h#i # j\n",
    "odd keys": "? a\n: b\n'c d': e\n",
    "a version": "%YAML 1.2\n---\na: b\n",
    "anchors and tags": "a: &x !t b\nc: *x\n",
    "two documents": "--- a\n--- b\n",
    "escapes": 'a: "\\x41\\u00e9\\U0001F600\\n"\n',
    "lists of lists": "- - a\n  - b\n- c\n",
}


def _told(event: Any) -> tuple[Any, ...]:
    # Where nothing stands the two name different places; its key's place is what is told then.
    place = None if getattr(event, "value", None) == "" else (event.start_mark.line, event.start_mark.column)
    parts = (getattr(event, name, None) for name in ("value", "anchor"))
    return (
        type(event).__name__,
        *parts,
        str(getattr(event, "tag", None)),
        getattr(event, "style", None) or None,
        place,
    )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_both_take_is_read_alike(text: str) -> None:
    try:
        fast = [_told(event) for event in yaml.parse(text, Loader=yaml.CLoader)]
    except yaml.YAMLError:
        return  # ruamel.yaml decides
    slow = [_told(event) for event in ruamel.yaml.YAML(typ="safe", pure=True).parse(text)]
    assert [one[:-1] for one in fast] == [one[:-1] for one in slow]
    marked = [(a, b) for a, b in zip(fast, slow, strict=True) if a[0] in {"ScalarEvent", "MappingStartEvent"}]
    assert all(a[-1] == b[-1] for a, b in marked)


def test_the_fast_one_is_at_work() -> None:
    assert {type(event).__module__ for event in events("a: b\n")} == {"yaml.events"}
    for old in ("a: b", "a: b\u2028\n", "a: 'b\x85'\n"):
        assert all("ruamel" in type(event).__module__ for event in events(old))
