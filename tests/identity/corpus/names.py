"""T5, T15, T16: audience, subject and what a pod's token says of it, in every costume."""

from __future__ import annotations

from typing import Any

from tests.identity.corpus.world import ANYBODY, GONE, Case, claiming
from vendor.refusals import Reason

SUBJECT = "system:serviceaccount:analytics:reporter"
NO_TEXT: dict[str, Any] = {
    "null": None,
    "empty": "",
    "a number": 1,
    "a fraction": 0.5,
    "true": True,
    "false": False,
    "an empty list": [],
    "an empty object": {},
    "a list": [SUBJECT],
    "an object": {"sub": SUBJECT},
}
NO_ASCII: dict[str, str] = {
    "with a Cyrillic letter": "system:serviceaccount:\u0430nalytics:reporter",
    "full-width": "\uff53ystem:serviceaccount:analytics:reporter",
    "with a ligature": "system:serviceaccount:analytics:\ufb01reporter",
    "with a combining mark": f"{SUBJECT}\u0301",
    "with a zero-width space": f"{SUBJECT}\u200b",
    "with a zero-width joiner": f"{SUBJECT}\u200d",
    "with a soft hyphen": f"{SUBJECT}\u00ad",
    "written from right to left": f"\u202e{SUBJECT}",
    "with a byte order mark": f"\ufeff{SUBJECT}",
    "with a no-break space": f"{SUBJECT}\u00a0",
    "with a line separator": f"{SUBJECT}\u2028",
    "with a newline": f"{SUBJECT}\n",
    "with a forged line": f'{SUBJECT}\n{{"outcome":"issued"}}',
    "with CRLF": f"{SUBJECT}\r\n",
    "with a tab": f"{SUBJECT}\t",
    "with an escape": f"\x1b[2J{SUBJECT}",
    "with DEL": f"{SUBJECT}\x7f",
    "with a bell": f"{SUBJECT}\x07",
    "with a C1 control": f"{SUBJECT}\x9b",
    "with a K that is Kelvin": f"{SUBJECT}\u212a",
    "with a dotless i": f"{SUBJECT}\u0131",
    "with an emoji": f"{SUBJECT}\U0001f511",
    "that is all tags": "".join(chr(0xE0000 + ord(letter)) for letter in SUBJECT),
}
NOT_JSON: dict[str, str] = {"with a NUL": f"{SUBJECT}\0", "a NUL alone": "\0", "a lone surrogate": f"{SUBJECT}\ud800"}
DISAGREEING: dict[str, str] = {
    "of another namespace": "system:serviceaccount:kube-system:reporter",
    "of another account": "system:serviceaccount:analytics:admin",
    "in capitals": SUBJECT.upper(),
    "with a colon more": f"{SUBJECT}:",
    "with a colon in front": f":{SUBJECT}",
    "with a space behind": f"{SUBJECT} ",
    "with a space in front": f" {SUBJECT}",
    "with a slash": SUBJECT.replace(":", "/"),
    "percent-encoded": SUBJECT.replace(":", "%3A"),
    "with a wildcard": "system:serviceaccount:analytics:*",
    "with a policy variable": "system:serviceaccount:analytics:${aws:username}",
    "of a user": "system:admin",
    "of a group": "system:masters",
    "of a node": "system:node:node-1",
    "very long": f"{SUBJECT}{'r' * 4000}",
    "a path": "../../reporter",
}
AUDIENCES: dict[str, Any] = {
    "another": "other",
    "in capitals": "VENDOR",
    "capitalised": "Vendor",
    "with a slash": "vendor/",
    "with a space": "vendor ",
    "with a comma": "vendor,other",
    "two by a space": "vendor other",
    "a prefix": "vend",
    "longer": "vendors",
    "a wildcard": "*",
    "sts": "sts.amazonaws.com",
    "a URL": "https://vendor",
    "full-width": "\uff56endor",
    "with a Cyrillic letter": "vend\u043er",
    "with a newline": "vendor\n",
    "a list of another": ["other"],
    "a list of two": ["vendor", "other"],
    "two the other way": ["other", "vendor"],
    "a list twice the same": ["vendor", "vendor"],
    "a list in a list": [["vendor"]],
    "a list of null": [None],
    "a list with a number": ["vendor", 0],
    "a list with null": ["vendor", None],
    "a list with nothing": ["vendor", ""],
    "an object": {"vendor": True},
    "a number": 1,
    "true": True,
    "a fraction": 1.5,
    "a list of objects": [{"v": 1}],
}
NO_AUDIENCES: dict[str, Any] = {
    "gone": GONE,
    "null": None,
    "empty": "",
    "an empty list": [],
    "an empty object": {},
    "zero": 0,
    "false": False,
}
NO_SCOPES: dict[str, Any] = {"a number": 1, "true": True, "null": None, "an object": {"a": 1}, "a list": ["a", 1]}
POD: dict[str, Any] = {"namespace": "analytics", "serviceaccount": {"name": "reporter", "uid": "u"}}
CONTRADICTIONS: dict[str, Any] = {
    "gone": GONE,
    "null": None,
    "empty": {},
    "a text": "analytics",
    "a list": [POD],
    "true": True,
    "of another namespace": {**POD, "namespace": "kube-system"},
    "of another account": {**POD, "serviceaccount": {"name": "admin", "uid": "u"}},
    "of no namespace": {"serviceaccount": POD["serviceaccount"]},
    "of no account": {"namespace": "analytics"},
    "of an account with no name": {**POD, "serviceaccount": {"uid": "u"}},
    "of an account that is a text": {**POD, "serviceaccount": "reporter"},
    "of an account that is a list": {**POD, "serviceaccount": [{"name": "reporter"}]},
    "of a namespace that is a list": {**POD, "namespace": ["analytics"]},
    "of a namespace that is null": {**POD, "namespace": None},
    "of a namespace that is empty": {**POD, "namespace": ""},
    "of a namespace with a space": {**POD, "namespace": "analytics "},
    "of a namespace in capitals": {**POD, "namespace": "Analytics"},
    "of a namespace with a newline": {**POD, "namespace": "analytics\n"},
    "of a namespace with a Cyrillic letter": {**POD, "namespace": "\u0430nalytics"},
    "of a namespace with the account in it": {**POD, "namespace": "analytics:reporter"},
    "of a pod that is a text": {**POD, "pod": "reporter-0"},
    "of a pod with a number for a name": {**POD, "pod": {"name": 0, "uid": "u"}},
    "of a pod with true for a name": {**POD, "pod": {"name": True}},
    "of a pod with an empty name": {**POD, "pod": {"name": ""}},
    "of a pod with a newline": {**POD, "pod": {"name": "a\nb"}},
    "of a pod in a list": {**POD, "pod": [{"name": "reporter-0"}]},
    "of a node that is a text": {**POD, "node": "node-1"},
    "of a node with letters beyond ASCII": {**POD, "node": {"name": "n\u00f6de"}},
    "of an account with a number for an id": {**POD, "serviceaccount": {"name": "reporter", "uid": 7}},
    "as the old tokens spelt it": GONE,
}


def _claim(threat: str, reason: Reason, name: str, value: Any, **changes: Any) -> Case:
    return Case(threat, reason, claiming(**{name: value}), changes=changes)


CASES: dict[str, Case] = {
    **{f"aud that is {what}": _claim("T5", Reason.AUDIENCE, "aud", value) for what, value in AUDIENCES.items()},
    **{f"aud that is {what}": _claim("T5", Reason.CLAIMS, "aud", value) for what, value in NO_AUDIENCES.items()},
    **{
        f"aud that is {what}, for many": _claim("T5", Reason.AUDIENCE, "aud", value, strict_aud=False)
        for what, value in AUDIENCES.items()
        if not (isinstance(value, list) and "vendor" in value)
    },
    "aud in another claim": _claim("T5", Reason.CLAIMS, "aud", GONE),
    "aud that is right in azp alone": Case("T5", Reason.AUDIENCE, claiming(aud="other", azp="vendor")),
    "aud that is right in client_id alone": Case("T5", Reason.CLAIMS, claiming(aud=GONE, client_id="vendor")),
    **{
        f"sub that is {what}": _claim("T15", Reason.CLAIMS, "sub", value, **ANYBODY)
        for what, value in {**NO_TEXT, "gone": GONE}.items()
    },
    **{f"sub {what}": _claim("T16", Reason.CLAIMS, "sub", value, **ANYBODY) for what, value in NO_ASCII.items()},
    **{f"sub {what}, of a pod": _claim("T16", Reason.CLAIMS, "sub", value) for what, value in NO_ASCII.items()},
    **{
        f"sub {what}": Case("T7", Reason.MALFORMED_TOKEN, claiming(sub=sub), cold=True)
        for what, sub in NOT_JSON.items()
    },
    **{f"sub {what}": _claim("T16", Reason.CLAIMS, "sub", value) for what, value in DISAGREEING.items()},
    **{f"pod: {what}": _claim("T15", Reason.CLAIMS, "kubernetes.io", value) for what, value in CONTRADICTIONS.items()},
    **{
        f"jti that is {what}": _claim("T15", Reason.CLAIMS, "jti", value)
        for what, value in {**NO_TEXT, "empty": 0}.items()
    },
    **{
        f"jti that is {what}, to be used once": _claim("T6", Reason.CLAIMS, "jti", value, one_time=True)
        for what, value in {**NO_TEXT, "gone": GONE}.items()
    },
    **{
        f"{name} that is {what}": _claim("T15", Reason.CLAIMS, name, value, require_token_scope=True)
        for name in ("scope", "scp")
        for what, value in NO_SCOPES.items()
    },
}
