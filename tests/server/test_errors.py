"""The one table from refusal to HTTP."""

from __future__ import annotations

import json

from vendor.refusals import KINDS, Code
from vendor.server import errors


def test_each_code_has_a_status_and_each_refusal_a_code() -> None:
    assert set(errors.STATUS) == set(Code) == {kind.code for kind in KINDS}


def test_a_body_reads_the_same_in_both_spellings() -> None:
    told = 'a "text"\n'
    body = json.loads(errors.body("a_code", told, "id"))
    assert body == {"code": "a_code", "Code": "a_code", "message": told, "Message": told, "request_id": "id"}


def test_what_passes_says_when_to_try_again_and_nothing_else_does() -> None:
    passing = {kind.code for kind in KINDS if kind.retried_after is not None}
    assert passing == {code for code, status in errors.STATUS.items() if status in {429, 503}}
