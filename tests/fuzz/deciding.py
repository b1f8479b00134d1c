"""The targets of what decides: matchers, templates and the values in them, configurations, XML, and sealed values."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from tests.fakes.clock import START
from tests.made import credentials, session
from tests.service import CONFIGURATION
from vendor.config import problems, shape, text
from vendor.leases import stored
from vendor.leases.sealed import Ring, SealError
from vendor.policy.matcher import Glob
from vendor.policy.parameter import is_fillable
from vendor.policy.template import PolicyTemplate, TemplateError
from vendor.refusals import InvalidRequest, Reason, ValueNotAllowed
from vendor.server import sts_wire
from vendor.strict_json import StrictJSONError, read_object

if TYPE_CHECKING:
    from collections.abc import Callable

POLICY: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:List*"],
            "Resource": ["arn:aws:s3:::a/{{ value }}/*", "arn:aws:s3:::${aws:userid}/{{ value }}"],
            "Condition": {"StringLike": {"s3:prefix": ["{{ value }}/?"]}},
        }
    ],
}
RING: Final = Ring({"k1": bytes(range(32)), "k2": bytes(32)})
SESSION: Final = session()


def match_glob(data: bytes) -> bool:
    """Match a pattern against a value, with a newline between; a regular expression has the second opinion."""
    pattern, newline, value = data.decode("latin-1").partition("\n")
    if not newline or "*" not in pattern:
        return False
    expected = "[A-Za-z0-9._-]+".join(map(re.escape, pattern.split("*")))
    matched = Glob(pattern).matches(value)
    if len(value) < 100 and pattern.count("*") < 4:  # beyond that the second opinion takes its time
        assert matched is (re.fullmatch(expected, value, re.ASCII) is not None)
    return matched


def parse_template(data: bytes) -> bool:
    """Compile a policy; what is taken is a policy of the same shape."""
    try:
        source = read_object(data)
        template = PolicyTemplate.parse(source)
    except (StrictJSONError, TemplateError):
        return False
    filled = json.loads(template.fill(dict.fromkeys(template.names(), "x")))
    assert filled.keys() == source.keys()
    return bool(template.names())


def fill_value(data: bytes) -> bool:
    """Fill a value into a policy: nothing of it changes but what stands in its places."""
    if not data.startswith(b"value="):
        return False
    value = data[6:].decode("utf-8", "replace")
    template = PolicyTemplate.parse(POLICY)
    try:
        filled = json.loads(template.fill({"value": value}))
    except ValueNotAllowed:
        assert not is_fillable(value, path=False)
        return False
    assert filled == json.loads(json.dumps(POLICY).replace("{{ value }}", json.dumps(value)[1:-1]))
    return is_fillable(value, path=False)


def read_configuration(data: bytes) -> bool:
    """Read a configuration as far as its shape; whatever is wrong with it has a place."""
    document = text.read("vendor.yaml", data)
    if isinstance(document.data, dict):
        problems.shaped(document, shape.Configuration, shape.Remains)
    assert all(finding.line > 0 and finding.column > 0 for finding in document.findings)
    return isinstance(document.data, dict) and not document.findings


def write_xml(data: bytes) -> bool:
    """Say something in the words of STS: it is XML, whatever is said."""
    said = data.decode("utf-8", "replace")
    answer = sts_wire.write_refusal(InvalidRequest(Reason.MALFORMED_REQUEST, said), "0" * 16)
    told = ET.fromstring(answer._content).findtext("{*}Error/{*}Message")  # noqa: S314 - our own
    return "<" in said and told == said


def open_sealed(data: bytes) -> bool:
    """Open what may be sealed, and not once a bit of it has changed."""
    try:
        RING.open(data, use=b"lease")
    except SealError:
        return False
    for at in {0, 1, len(data) // 2, len(data) - 1}:
        changed = bytearray(data)
        changed[at] ^= 1
        with suppress(SealError):
            RING.open(bytes(changed), use=b"lease")
            raise AssertionError("it was opened though it had changed")
    return True


def read_stored(data: bytes) -> bool:
    """Believe what a holder of our keys sealed only where it is a lease of this very session."""
    sealed = RING.seal(data, use=b"lease " + SESSION.key)
    try:
        found = stored.read(sealed, session=SESSION, ring=RING, now=START, kept=0.0)
    except SealError:
        return False
    return found is not None and found.credentials.role_arn == SESSION.role_arn


def seeds() -> dict[str, list[bytes]]:
    """Return what each target begins with."""
    ours = RING.open(stored.seal(credentials(), session=SESSION, minted=START, ring=RING), use=b"lease " + SESSION.key)
    configuration = CONFIGURATION.format(audit="-", issuer="https://i.example", sts="https://sts.example")
    return {
        "matcher": [b"batch-*\nbatch-1", b"*-a-*\nx-a-y", b"*\na/b", b"a*b*c\nabc", b"**\n..", b"a\na"],
        "template": [json.dumps(POLICY).encode(), b'{"Action":"{{ a }}"}', b'{"Resource":["${a{{ b }}}"]}'],
        "value": [
            b"value=analytics",
            b"value=*",
            b'value="]}',
            b"value=${aws:userid}",
            b"value=\xef\xbc\x8a",
            b"value=..",
        ],
        "config": [configuration.encode(), b"a: &b [1]\nc: *b", b"version: 1\nissuers: {}\n---\n", b"\xff\xfe"],
        "xml": [b"<&>\"'", b"<\0", b"]]><!--", "\ufffe<\u2028\U0001f511".encode()],
        "sealed": [RING.seal(b"{}", use=b"lease"), RING.seal(b"{}", use=b"notice"), b"\x01\x02k1" + bytes(28), b"\x02"],
        "stored": [ours, b"[]", b'{"credentials":"x"}', ours.replace(b"minted", b"mixed"), b'{"credentials":{"a":{}}}'],
    }


TARGETS: dict[str, Callable[[bytes], bool]] = {
    "matcher": match_glob,
    "template": parse_template,
    "value": fill_value,
    "config": read_configuration,
    "xml": write_xml,
    "sealed": open_sealed,
    "stored": read_stored,
}
