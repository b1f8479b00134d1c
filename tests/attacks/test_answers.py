"""T34, T21, T18, T8: whatever STS, an issuer or the store answers, it is no yes, no defect, and nobody else's trouble.

Each case has a target, an issuer or a moment of its own in one service, which runs without asserts (`python -O`).
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import pytest
import pytest_asyncio

from tests.attacks.ground import container, keys_of
from tests.attacks.raw import Store, Web, answer
from tests.fakes.issuer import Issuer
from tests.fakes.sts import STS
from tests.server.http import Answer, exchange, get
from tests.service import Served, ready, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

KEY: Final = "ASIAFORGED0000000001"
GOOD: Final = """\
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><AssumedRoleId>AROAFORGED:{name}</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/reports/{name}</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
<SessionToken>{token}</SessionToken><Expiration>{end}</Expiration></Credentials>
</AssumeRoleResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></AssumeRoleResponse>
"""
ALL: Final = "[tags, policy_arns, source_identity, external_id, assumed_role_user]"
"""What AWS has: with less said, another cloud may be silent about whose a session is."""
SECRET, TOKEN = "CANARYSECRETforged", "CANARYTOKENforged"


def _with(old: str, new: str) -> Callable[[str], bytes]:
    def changed(xml: str) -> bytes:
        made, count = re.subn(old, new, xml)
        assert count
        return answer(made)

    return changed


def _entity(declared: str) -> Callable[[str], bytes]:
    document = f'<?xml version="1.0"?><!DOCTYPE a [{declared}]>'
    return lambda xml: answer(document + xml.replace(f">{SECRET}<", ">&e;<"))


def _bytes(raw: bytes) -> Callable[[str], bytes]:
    return lambda _: raw


LAUGHS: Final = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghe", strict=True)
)
# What an STS says where the good answer is expected: every one of these is refused.
ANSWERS: Final[dict[str, Callable[[str], bytes]]] = {
    "nothing": _bytes(b""),
    "no body": lambda _: answer(""),
    "a page": lambda _: answer("<html><body>200 OK</body></html>", kind="text/html"),
    "JSON": lambda _: answer(json.dumps({"Credentials": {"AccessKeyId": KEY}}), kind="application/json"),
    "no HTTP": _bytes(b"220 smtp.example.com ESMTP\r\n"),
    "a status that is none": lambda xml: answer(xml, status="2OO OK"),
    "a redirect": lambda xml: answer(xml, status="307 Temporary Redirect", head="Location: http://127.0.0.1:1/\r\n"),
    "no content": lambda _: answer("", status="204 No Content"),
    "a part of it": lambda xml: answer(xml[: len(xml) // 2]),
    "less than it says": lambda xml: answer(xml).replace(b"Content-Length: ", b"Content-Length: 1"),
    "a length that is none": lambda xml: answer(xml).replace(b"Content-Length: ", b"Content-Length: x"),
    "a head without end": lambda xml: answer(xml, head="".join(f"X-{n}: {'y' * 1000}\r\n" for n in range(1000))),
    "no UTF-8": lambda xml: answer(xml.encode().replace(SECRET.encode(), b"\xff\xfe")),
    "a NUL": _with(SECRET, "a\0b"),
    "an entity of a file": _entity('<!ENTITY e SYSTEM "file:///etc/hostname">'),
    "an entity of an address": _entity('<!ENTITY e SYSTEM "http://127.0.0.1:1/">'),
    "a billion laughs": _entity(LAUGHS),
    "a hundred thousand elements": lambda xml: answer("<a>" * 100_000 + xml + "</a>" * 100_000),
    "two documents": lambda xml: answer(xml + xml),
    "another result": _with("AssumeRoleResult>", "GetSessionTokenResult>"),
    "no result": lambda xml: answer(xml.replace("AssumeRoleResult>", "Nothing>")),
    "an error with 200": lambda _: answer("<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"),
    "an error of no code": lambda _: answer("<ErrorResponse><Error/></ErrorResponse>", status="400 Bad Request"),
    "an error of no XML": lambda _: answer("no", status="500 Internal Server Error"),
    "an error of a code without end": lambda _: answer(
        f"<ErrorResponse><Error><Code>{'x' * 100_000}</Code></Error></ErrorResponse>", status="400 Bad Request"
    ),
    "no key id": _with(f"<AccessKeyId>{KEY}</AccessKeyId>", ""),
    "an empty key id": _with(KEY, ""),
    "an empty secret": _with(SECRET, ""),
    "no secret": _with(f"<SecretAccessKey>{SECRET}</SecretAccessKey>", ""),
    "an empty token": _with(TOKEN, ""),
    "no token": _with(f"<SessionToken>{TOKEN}</SessionToken>", ""),
    "a token of a megabyte": _with(TOKEN, "x" * 1_000_000),
    "a token of 20,000 characters": _with(TOKEN, "x" * 20_000),
    "no end": _with("<Expiration>.*</Expiration>", ""),
    "an end that is no time": _with("(?<=<Expiration>)[^<]*", "never"),
    "an end of nothing": _with("(?<=<Expiration>)[^<]*", ""),
    "an end that is a number": _with("(?<=<Expiration>)[^<]*", "1e400"),
    "an end in the year 10000": _with("(?<=<Expiration>)[^<]*", "10000-01-01T00:00:00Z"),
    "an end in the year 9999": _with("(?<=<Expiration>)[^<]*", "9999-12-31T23:59:59Z"),
    "an end that has been": _with("(?<=<Expiration>)[^<]*", "2001-01-01T00:00:00Z"),
    "no user": lambda xml: answer(xml.replace("AssumedRoleUser>", "Nobody>")),
    "another account": _with("111122223333", "999999999999"),
    "another role": _with("assumed-role/reports", "assumed-role/admin"),
    "another name": _with("/[^/<]*</Arn>", "/admin</Arn>"),
    "another partition": _with("arn:aws:", "arn:aws-cn:"),
    "a user of no ARN": _with("<Arn>.*</Arn>", "<Arn>admin</Arn>"),
}
# What an issuer's keys are said to be: nobody is let in by any of these.
KEYSETS: Final[dict[str, str | bytes]] = {
    "nothing": "",
    "null": "null",
    "a list": "[]",
    "a number": "1e999",
    "an object of nothing": "{}",
    "keys that are null": '{"keys":null}',
    "keys that are an object": '{"keys":{"kid":"key-1"}}',
    "keys that are texts": '{"keys":["key-1"]}',
    "no key": '{"keys":[]}',
    "keys of nulls": '{"keys":[null,null]}',
    "a key of nothing": '{"keys":[{}]}',
    "a key without a modulus": '{"keys":[{"kty":"RSA","kid":"key-1","alg":"RS256","e":"AQAB"}]}',
    "a modulus that is a number": '{"keys":[{"kty":"RSA","kid":"key-1","alg":"RS256","n":7,"e":"AQAB"}]}',
    "a modulus of zero": '{"keys":[{"kty":"RSA","kid":"key-1","alg":"RS256","n":"AA","e":"AQAB"}]}',
    "a symmetric key": '{"keys":[{"kty":"oct","kid":"key-1","alg":"HS256","k":"AAAA"}]}',
    "a kty that is a list": '{"keys":[{"kty":["RSA"],"kid":"key-1"}]}',
    "keys twice": '{"keys":[],"keys":[KEY]}',
    "a member twice": '{"keys":[{"kty":"RSA","kty":"oct","kid":"key-1"}]}',
    "NaN": '{"keys":[KEY],"x":NaN}',
    "more behind": '{"keys":[KEY]}{}',
    "half of it": '{"keys":[KEY',
    "a comment": '/**/{"keys":[KEY]}',
    "a BOM": b'\xef\xbb\xbf{"keys":[]}',
    "UTF-16": '{"keys":[]}'.encode("utf-16"),
    "no UTF-8": b'{"keys":["\xff"]}',
    "brackets": '{"keys":' + "[" * 100_000,
    "objects": '{"a":' * 50_000,
    "a number of digits": '{"keys":[KEY],"x":' + "9" * 100_000 + "}",
    "a thousand keys": '{"keys":[' + ",".join(["{}"] * 1_000) + ",KEY]}",
    "a megabyte": '{"keys":[KEY],"x":"' + "y" * 1_000_000 + '"}',
    "an encrypting key": '{"keys":[KEY]}'.replace("KEY", "ENC"),
    "a private key": '{"keys":[KEY]}'.replace("KEY", "OWN"),
}
# What a store says to whatever it is asked; whoever asks us is served all the same, by STS.
REPLIES: Final[dict[str, bytes | None]] = {
    "nothing at all": b"",
    "it hangs up": None,
    "an error": b"-ERR unknown command\r\n",
    "an error of its own": b"-SURPRISE \xff\xfe\r\n",
    "that it was moved": b"-MOVED 3999 169.254.169.254:80\r\n",
    "that it is loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "that it only reads": b"-READONLY You can't write against a read only replica.\r\n",
    "that it wants a password": b"-NOAUTH Authentication required.\r\n",
    "that it is full": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "OK": b"+OK\r\n",
    "nil": b"$-1\r\n",
    "a nil list": b"*-1\r\n",
    "a number": b":1\r\n",
    "a number that is none": b":one\r\n",
    "an empty text": b"$0\r\n\r\n",
    "a text": b"$4\r\nevil\r\n",
    "two texts": b"*2\r\n$4\r\nevil\r\n$4\r\nevil\r\n",
    "a list of numbers": b"*3\r\n:1\r\n:1\r\n:1\r\n",
    "a list of nils": b"*3\r\n$-1\r\n$-1\r\n$-1\r\n",
    "an empty list": b"*0\r\n",
    "a length beyond any": b"$999999999999\r\n",
    "a length below zero": b"$-7\r\nx\r\n",
    "a length that is none": b"$x\r\n",
    "a list of a million": b"*1000000\r\n",
    "lists in lists": b"*1\r\n" * 20_000,
    "half an answer": b"$100\r\nabc",
    "ten answers": b"+OK\r\n" * 10,
    "a kind of the next version": b"%1\r\n+a\r\n+b\r\n",
    "a push": b">2\r\n+message\r\n+x\r\n",
    "no protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "bytes": bytes(range(256)),
    "a line without end": b"+" + b"x" * 1_000_000,
}
_HEAD: Final = """\
version: 1
listen: {{address: "127.0.0.1:0"}}
operations: {{address: "127.0.0.1:0"}}
audit: {{path: "{audit}"}}
store: {{redis: {{url: "{store}", encryption_keys: [{{id: k1, file: k1}}]}}}}
issuers:
"""
_SCOPE: Final = """\
  {name}:
    grants: [{{issuer: own, where: {{namespace: analytics}}}}{more}]
    target: {target}
    mint: {{assume_role: {{role: "arn:aws:iam::111122223333:role/reports"}}}}
    session:
      source_identity: "{{{{ namespace }}}}.{{{{ service_account }}}}"
      policy:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::reports/{{{{ namespace }}}}/*"}}]
"""
_ISSUER: Final = "{{issuer: '{url}', audience: vendor, kind: kubernetes, allow_private_addresses: true{more}}}\n"


class World:
    """A service with a target for each of ANSWERS, an issuer for each of KEYSETS, and a store of no manners."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.issuer, self.sts, self.store = Issuer(), STS(), Store()
        self._stack = AsyncExitStack()
        self.liars: dict[str, Web] = {}
        self.published = Web(self._keys)

    def _keys(self, path: str, _: str) -> bytes:
        return answer(self._published(list(KEYSETS.values())[int(path[1:])]), kind="application/json")

    def _published(self, said: str | bytes) -> bytes:
        if isinstance(said, bytes):
            return said
        private = {"d": "AAAA"}
        jwk = self.issuer.key.jwk
        filled = {"KEY": jwk(), "ENC": jwk(use="enc"), "OWN": jwk(**private)}
        for name, key in filled.items():
            said = said.replace(name, json.dumps(key))
        return said.encode()

    async def ask(self, scope: str, name: str, *, issuer: str | None = None) -> Answer:
        """Return what a service account is answered, which this issuer vouches for."""
        bound = {"namespace": "analytics", "serviceaccount": {"name": name, "uid": "u-1"}}
        said = {"sub": f"system:serviceaccount:analytics:{name}", "kubernetes.io": bound}
        token = self.issuer.token({**said, **({"iss": issuer} if issuer else {})})
        return await exchange(self.service.public, container(token, scope))

    @property
    def service(self) -> Served:
        return self._service

    async def begin(self) -> None:
        """Begin everything."""
        for server in (self.issuer, self.sts, self.store, self.published):
            await self._stack.enter_async_context(server)
        for name, make in ANSWERS.items():
            self.liars[name] = await self._stack.enter_async_context(Web(_lying(make)))
        (self.folder / "k1").write_bytes(base64.b64encode(bytes(range(32))))
        text = self._configuration()
        environ = {"PYTHONOPTIMIZE": "1"}
        self._service = await self._stack.enter_async_context(served(text, self.folder, environ=environ))
        async with asyncio.timeout(30):
            while (await self.ask("good", "early")).status != 200:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)

    async def end(self) -> None:
        """End everything; nothing of it was a defect."""
        log = list(self.service.log)
        await self._stack.aclose()
        assert not [line for line in log if '"defect"' in line or "Traceback" in line or "CANARY" in line]

    def _configuration(self) -> str:
        lines = [_HEAD.format(audit=self.folder / "audit.jsonl", store=self.store.url)]
        lines.append("  own: " + _ISSUER.format(url=self.issuer.issuer, more=""))
        for number in range(len(KEYSETS)):
            keys = f", keys: {{url: '{self.published.url}/{number}'}}"
            lines.append(f"  keys-{number}: " + _ISSUER.format(url=f"https://{number}.example", more=keys))
        lines.append(
            f"targets:\n  good: {{endpoint_url: '{self.sts.url}', regions: [eu-west-1], requests_per_second: 500}}\n"
        )
        for number, liar in enumerate(self.liars.values()):
            lines.append(f"  liar-{number}: {{endpoint_url: '{liar.url}', regions: [eu-west-1], features: {ALL}}}\n")
        others = "".join(f", {{issuer: keys-{n}, where: {{namespace: analytics}}}}" for n in range(len(KEYSETS)))
        lines.append("scopes:\n" + _SCOPE.format(name="good", target="good", more=others))
        lines += [_SCOPE.format(name=f"liar-{n}", target=f"liar-{n}", more="") for n in range(len(self.liars))]
        return "".join(lines)


def _lying(make: Callable[[str], bytes]) -> Callable[[str, str], bytes]:
    """Return how a case answers a request: by what it makes of the good answer to it."""

    def lie(_: str, body: str) -> bytes:
        return _filled(make, parse_qs(body))

    return lie


def _filled(make: Callable[[str], bytes], asked: Mapping[str, list[str]]) -> bytes:
    (name,) = asked.get("RoleSessionName", ["NAME"])
    end = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    return make(GOOD.format(key=KEY, secret=SECRET, token=TOKEN, name=name, end=end))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    made = World(tmp_path_factory.mktemp("world"))
    await made.begin()
    yield made
    await made.end()


@pytest.mark.parametrize("name", ANSWERS, ids=[f"T34 {name}" for name in ANSWERS])
async def test_t21_t34_no_answer_of_sts_but_the_right_one_becomes_credentials(world: World, name: str) -> None:
    """T21, T34: refused as STS's fault, asked of STS each time, and nothing is kept of it."""
    scope = f"liar-{list(ANSWERS).index(name)}"
    answers = [await world.ask(scope, f"lied-{number}") for number in range(2)]
    assert {one.status for one in answers} <= {502, 503}
    assert not [key for one in answers for key in keys_of(one)]
    assert all(KEY not in one.body.decode() and "CANARY" not in one.body.decode() for one in answers)
    assert world.liars[name].asked


async def test_t34_what_sts_says_right_is_taken(tmp_path: Path) -> None:
    """T34: the answer of which all others are made is a good one: else they would be refused for what they share."""
    async with Issuer() as issuer, Web(_lying(answer)) as honest:
        text = _HEAD.format(audit=tmp_path / "audit.jsonl", store="").replace('store: {redis: {url: ""', "#")
        text += "  own: " + _ISSUER.format(url=issuer.issuer, more="")
        text += f"targets:\n  good: {{endpoint_url: '{honest.url}', regions: [eu-west-1]}}\n"
        text += "scopes:\n" + _SCOPE.format(name="good", target="good", more="")
        async with served(text, tmp_path) as service:
            await ready(service)
            async with asyncio.timeout(20):  # on a busy machine STS may be late at first
                asked = container(issuer.token(), "good")
                while not (keys := keys_of(await exchange(service.public, asked))):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.2)
    assert keys == [KEY]


@pytest.mark.parametrize("name", KEYSETS, ids=[f"T34 {name}" for name in KEYSETS])
async def test_t8_t34_no_set_of_keys_that_is_none_lets_anybody_in(world: World, name: str) -> None:
    """T8, T34: nobody, though the token is signed by the key that stands in some of them."""
    number = list(KEYSETS).index(name)
    refused = await world.ask("good", "reporter", issuer=f"https://{number}.example")
    assert (refused.status, refused.code) in {(503, "issuer_unavailable"), (401, "invalid_token")}
    assert world.published.asked[f"/{number}"]
    assert (await world.ask("good", "reporter")).status == 200


@pytest.mark.parametrize("name", REPLIES, ids=[f"T34 {name}" for name in REPLIES])
async def test_t18_t34_no_reply_of_the_store_is_lent_to_anybody_or_holds_them_up(world: World, name: str) -> None:
    """T18, T34: whoever comes is given their own by STS, in time, whatever the store says to what it is asked."""
    number = list(REPLIES).index(name)
    world.store.reply = REPLIES[name]
    before = world.store.asked
    given: list[Any] = []
    async with asyncio.timeout(20):  # a store that was no good is left alone for a while
        while len(given) < 3 or (world.store.asked == before and REPLIES[name] is not None):
            name_of = f"stored-{number}-{len(given)}"
            one = await world.ask("good", name_of)
            assert one.status == 200, one.body
            assert world.sts.issued[one.key_id].source_identity == f"analytics.{name_of}"
            given.append(one)
            await asyncio.sleep(0 if len(given) < 3 else 0.1)
    assert (await get(world.service.operations, "/healthz")).status == 200
