"""The ground of the attacks: a served world of seven issuers that share a key id, and a witness of all that it answers.

It is laid out twice: in memory over plain http, and over TLS with the shared store, without asserts (`python -O`).
"""

from __future__ import annotations

import base64
import json
import re
import ssl
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode

import trustme

from tests import canaries
from tests.fakes.issuer import Issuer
from tests.fakes.sts import STS
from tests.fakes.valkey import Valkey
from tests.faults import always
from tests.identity.corpus.world import World as Pen
from tests.server.http import Answer, exchange, request
from tests.service import ready, served

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.fakes.sts_wire import Request
    from tests.service import Served

ALGORITHMS: Final = ("RS256", "ES256", "ES384", "ES512", "PS256", "EdDSA")
ROLE: Final = "arn:aws:iam::111122223333:role/"
GOOD: Final = {"team": "analytics", "name": "report", "folder": "2026/03"}
# What follows the head of a JWT; parameters of any length may stand in the audit trail.
_PARTS: Final = re.compile(rb"eyJ[A-Za-z0-9_-]*\.([A-Za-z0-9_.-]{60,})")
_HEAD: Final = """\
version: 1
listen: {{address: "127.0.0.1:0", sts_get: true{tls}}}
operations:
  address: "127.0.0.1:0"
  operators: [{{issuer: RS256, where: {{namespace: platform, service_account: vendor-operator}}}}]
store: {store}
audit: {{path: "{audit}"}}
targets: {{aws: {{endpoint_url: "{sts}", regions: [eu-west-1]}}}}
issuers:
"""
_ISSUER: Final = """\
  {name}:
    issuer: "{url}"
    audience: vendor
    kind: kubernetes
    algorithms: [{name}]
    allow_private_addresses: true
"""
_BUILDS: Final = """\
  builds:
    issuer: "{url}"
    audience: vendor
    kind: generic
    attributes: {{team: [team], admin: [admin], level: [level], groups: [groups]}}
    allow_private_addresses: true
"""
_SCOPES: Final = """\
scopes:
  reports:read:
    grants:
%s
    target: aws
    mint: {assume_role: {role: "arn:aws:iam::111122223333:role/reports", external_id: CANARY-external-id}}
    session:
      policy:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::reports/{{ namespace }}/*"}
      source_identity: "{{ namespace }}.{{ service_account }}"
  builds:write:
    grants: [{issuer: builds, where: {subject: builder}}]
    parameters:
      name: {default: report}
      folder: {path: true, default: 2026/03}
      stage: {one_of: [dev, prod], default: dev}
    target: aws
    mint: {assume_role: {role: "arn:aws:iam::111122223333:role/builds-{{ stage }}"}}
    session:
      policy:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: "s3:PutObject"
            Resource: "arn:aws:s3:::builds/{{ team }}/{{ name }}/{{ folder }}/*"
            Condition: {StringEquals: {"aws:PrincipalTag/team": "{{ team }}"}}
      tags: {team: "{{ team }}"}
      source_identity: builder
  builds:admin:
    grants:
      - {issuer: builds, where: {subject: builder, admin: true}}
      - {issuer: builds, where: {subject: builder, level: 1}}
      - {issuer: builds, where: {subject: builder, groups: {contains: admins}}}
    target: aws
    mint: {assume_role: {role: "arn:aws:iam::111122223333:role/admin"}}
    session: {unrestricted: true}
"""


class Ground:
    """A running service, whom it trusts, and what it answered."""

    def __init__(self, folder: Path, *, fortified: bool) -> None:
        self.folder = folder
        self.fortified = fortified
        self.issuers = {name: Issuer(algorithm=name) for name in ALGORITHMS}
        self.builds, self.evil, self.sts = Issuer(), Issuer(), STS()
        self.answers: list[tuple[bytes, Answer]] = []
        self.store: Valkey | None = Valkey() if fortified else None
        self.tls: ssl.SSLContext | None = None

    @property
    def service(self) -> Served:
        return self._service

    @property
    def audit_path(self) -> Path:
        return self.folder / "audit.jsonl"

    def pen(self, algorithm: str = "RS256") -> Pen:
        """Return what a hostile token is written with."""
        return Pen(issuer=self.issuers[algorithm], evil=self.evil)

    def reporter(self, name: str = "reporter", *, namespace: str = "analytics", algorithm: str = "RS256") -> str:
        """Return a good token of a service account."""
        account = {"namespace": namespace, "serviceaccount": {"name": name, "uid": "u-1"}}
        return self.issuers[algorithm].token(
            {"sub": f"system:serviceaccount:{namespace}:{name}", "kubernetes.io": account}
        )

    def operator(self) -> str:
        """Return a good token of an operator."""
        return self.reporter("vendor-operator", namespace="platform")

    def builder(self, **claims: Any) -> str:
        """Return a good token of the generic issuer; None removes a claim."""
        return self.builds.token({"sub": "builder", "kubernetes.io": None, "team": GOOD["team"], **claims})

    async def ask(self, raw: bytes, *, operators: bool = False) -> Answer:
        """Send raw bytes to a listener, and note the answer."""
        url = self.service.operations if operators else self.service.public
        answer = await exchange(url, raw, tls=None if operators else self.tls)
        self.answers.append((raw, answer))
        self.service.sent += _PARTS.findall(raw)
        return answer

    def behind(self, key_id: str) -> Request:
        """Return what STS was asked for these credentials."""
        return self.sts.issued[key_id]

    def check(self) -> None:
        """What always holds: no 500, no secret, no credential without its line, no defect."""
        refused = [answer for _, answer in self.answers if answer.status != 200]
        assert [answer.status for answer in refused if answer.status == 500] == []
        always.check_log(self.service.log)
        canaries.check(b"".join(answer.body for answer in refused), sent=self.service.sent)
        lines = [json.loads(line) for line in self.audit_path.read_text().splitlines()]
        recorded = {line["access_key_id"] for line in lines if line.get("outcome") == "issued"}
        assert {found for _, answer in self.answers for found in keys_of(answer)} <= recorded

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for server in (*self.issuers.values(), self.builds, self.evil, self.sts):
                await stack.enter_async_context(server)
            if self.store is not None:
                await stack.enter_async_context(self.store)
            optimized = {"PYTHONOPTIMIZE": "1" if self.fortified else ""}
            self._service = await stack.enter_async_context(
                served(self._configuration(), self.folder, environ=optimized, operator=self.operator)
            )
            await ready(self._service)
            self._standing = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._standing.aclose()

    def _configuration(self) -> str:
        tls, store = "", "memory"
        if self.store is not None:
            tls, store = self._fortify(), self._seal(self.store)
        head = _HEAD.format(tls=tls, store=store, audit=self.audit_path, sts=self.sts.url)
        named = [_ISSUER.format(name=name, url=issuer.issuer) for name, issuer in self.issuers.items()]
        grant = (
            '      - {{issuer: {}, where: {{namespace: analytics, service_account: [reporter, {{glob: "batch-*"}}]}}}}'
        )
        scopes = _SCOPES % "\n".join(grant.format(name) for name in self.issuers)
        return head + "".join(named) + _BUILDS.format(url=self.builds.issuer) + scopes

    def _fortify(self) -> str:
        authority = trustme.CA()
        leaf = authority.issue_cert("127.0.0.1")
        leaf.private_key_and_cert_chain_pem.write_to_path(str(self.folder / "tls.pem"))
        self.tls = ssl.create_default_context()
        authority.configure_trust(self.tls)
        return ", tls: {certificate: tls.pem, private_key: tls.pem}"

    def _seal(self, store: Valkey) -> str:
        (self.folder / "k1").write_bytes(base64.b64encode(bytes(range(32))))
        return f'{{redis: {{url: "{store.url}", encryption_keys: [{{id: k1, file: k1}}]}}}}'


def container(token: str, scope: str = "reports:read", /, **query: str) -> bytes:
    """Return what an SDK asks."""
    return request(f"/v1/credentials/{scope}{'?' if query else ''}{urlencode(query)}", token)


def twin(token: str, document: object, scope: str = "reports:read") -> bytes:
    """Return what the JSON door is asked."""
    return request(f"/v1/credentials/{scope}", token, method="POST", body=json.dumps(document).encode())


def sts(form: Mapping[str, str] | bytes, *, path: str = "/", token: str | None = None) -> bytes:
    """Return what STS is asked in a form."""
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    fields = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
    return request(path, token, method="POST", headers=fields) + body


def with_token(token: str, role: str = f"{ROLE}reports", **more: str) -> dict[str, str]:
    """Return the parameters of AssumeRoleWithWebIdentity."""
    asked = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleSessionName": "attack"}
    return {**asked, "RoleArn": role, "WebIdentityToken": token, **more}


def keys_of(answer: Answer) -> list[str]:
    """Return the key ids that an answer holds."""
    if answer.status != 200:
        return []
    if answer.headers["content-type"] == "text/xml":
        return [part[:20] for part in answer.body.decode().split("<AccessKeyId>")[1:]]
    if answer.headers["content-type"] != "application/json" or b'"AccessKeyId"' not in answer.body:
        return []
    return [answer.key_id]
