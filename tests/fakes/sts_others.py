"""What the fake STS knows beside AssumeRole: the other actions, chains, devices, identity pools and an organization."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes import sts_wire
from tests.fakes.faults import STATUS
from tests.fakes.sts_wire import element

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.loopback import Now
    from tests.fakes.sts_wire import Request

Refused = tuple[str, str, int]
"""Code, message and status."""

UNSIGNED = {"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML", "GetId", "GetCredentialsForIdentity"}
ASSERTED_NAME = "somebody@example.com"
"""What a session by assertion is called."""
SIGN_IN = "/federation"
"""Where a session is turned into a link to the console."""
LONG_TERM = {"GetSessionToken", "GetFederationToken"}
_STEP = 30
_PAGE = 2


@dataclass(slots=True)
class Unit:
    """An organizational unit: what is below it, accounts with their tags, and those that are closed."""

    units: list[str] = field(default_factory=list)
    accounts: dict[str, dict[str, str]] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)


class Others:
    """`devices` are secrets by serial, `subject` what STS finds in a token, `identity` what a pool knows somebody as.

    `organization` are units by id.
    """

    def __init__(self, clock: Now) -> None:
        self._clock = clock
        self.devices: dict[str, bytes] = {}
        self.used: set[tuple[str, str]] = set()
        self.subject: str | None = None
        self.user: str | None = None
        self.identity = "eu-west-1:11111111-1111-1111-1111-111111111111"
        self.answered_identity: str | None = None
        self.organization: dict[str, Unit] = {}
        self.broken_json: str | None = None
        self.listed: dict[str, Any] | None = None
        self.signed_in: list[dict[str, str]] = []
        self.sign_in_status = 200
        self.sign_in_body: str | None = None

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Answer a token for signing in, the status or the body that a test wants."""
        self.signed_in.append(dict(request.query))
        body = json.dumps({"SigninToken": f"CANARYSIGNIN{uuid.uuid4().hex}"}) if self.sign_in_body is None else None
        return web.Response(text=body or self.sign_in_body, status=self.sign_in_status)

    def refusal(self, request: Request, issued: Mapping[str, Request]) -> Refused | None:
        """Return how a role is refused for what came before or with it, None if it is not."""
        before = issued.get(request.access_key_id or "")
        return self._device(request) or (None if before is None else _chained(request, before, issued))

    def more(self, request: Request) -> str:
        """Return what an answer about a role holds beside the session."""
        if request.action == "AssumeRoleWithWebIdentity":
            claims = _claims(request.parameters.get("WebIdentityToken", ""))
            subject = claims["sub"] if self.subject is None else self.subject
            return element("SubjectFromWebIdentityToken", subject) + element("Provider", claims["iss"])
        return ""

    def answer(self, request: Request) -> web.StreamResponse | Refused | None:
        """Return the answer to another action, None if there is none."""
        if request.action in LONG_TERM and request.session_token is not None:
            return "AccessDenied", f"Cannot call {request.action} with session credentials", 403
        if "JSON" in request.parameters and self.broken_json is not None:
            return _failed(self.broken_json, f"{self.broken_json}, said the fake")
        if "JSON" in request.parameters:
            return self._json(request.action, json.loads(request.parameters["JSON"]))
        if refused := self._device(request):
            return refused
        return self._xml(request)

    def _device(self, request: Request) -> Refused | None:
        serial, code = request.parameters.get("SerialNumber"), request.parameters.get("TokenCode", "")
        if serial is None:
            return None
        secret = self.devices.get(serial)
        step = int(self._clock.now().timestamp()) // _STEP
        if secret is None or code != _totp(secret, step) or (serial, code) in self.used:
            text = "MultiFactorAuthentication failed with invalid MFA one time pass code."
            return "AccessDenied", text, STATUS["AccessDenied"]
        self.used.add((serial, code))
        return None

    def _xml(self, request: Request) -> web.Response | None:
        seconds, name = request.duration_seconds, request.parameters.get("Name", "")
        match request.action:
            case "GetSessionToken":
                result = self._credentials(seconds)
            case "GetFederationToken":
                arn = element("Arn", f"arn:aws:sts::111122223333:federated-user/{self.user or name}")
                result = f"<FederatedUser>{arn}</FederatedUser>" + self._credentials(seconds)
            case "AssumeRoot":
                result = self._credentials(seconds)
            case "GetWebIdentityToken":
                token = ".".join(_encoded(part) for part in ({"alg": "ES384"}, {"sub": "arn:aws:iam::1:role/v"}, {}))
                result = element("WebIdentityToken", token) + element("Expiration", self._ends(seconds))
            case _:
                return None
        body = sts_wire.answer(request.action, result, str(uuid.uuid4()))
        return web.Response(text=body, content_type="text/xml")

    def _credentials(self, seconds: int) -> str:
        return (
            "<Credentials>"
            + element("AccessKeyId", f"ASIA{uuid.uuid4().hex[:16].upper()}")
            + element("SecretAccessKey", f"CANARYSECRET{uuid.uuid4().hex}"[:40])
            + element("SessionToken", f"CANARYTOKEN{uuid.uuid4().hex}")
            + element("Expiration", self._ends(seconds))
            + "</Credentials>"
        )

    def _ends(self, seconds: int) -> str:
        return (self._clock.now() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _json(self, action: str, members: dict[str, Any]) -> web.StreamResponse | None:
        match action:
            case "GetId":
                return _told({"IdentityId": self.identity})
            case "GetCredentialsForIdentity":
                ends = (self._clock.now() + timedelta(hours=1)).timestamp()
                credentials = {
                    "AccessKeyId": f"ASIA{uuid.uuid4().hex[:16].upper()}",
                    "SecretKey": f"CANARYSECRET{uuid.uuid4().hex}"[:40],
                    "SessionToken": f"CANARYTOKEN{uuid.uuid4().hex}",
                    "Expiration": ends,
                }
                identity = self.answered_identity or members["IdentityId"]
                return _told({"IdentityId": identity, "Credentials": credentials})
            case _:
                return self._organization(action, members)

    def _organization(self, action: str, members: dict[str, Any]) -> web.StreamResponse | None:
        unit = self.organization.get(members.get("ParentId", ""))
        if action != "ListTagsForResource" and unit is None:
            return _failed("ParentNotFoundException", "You specified a parent that does not exist.")
        match action:
            case "ListAccountsForParent" if self.listed is not None:
                return _told(self.listed)
            case "ListAccountsForParent" if unit is not None:
                accounts = [
                    {"Id": one, "Status": "SUSPENDED" if one in unit.suspended else "ACTIVE"} for one in unit.accounts
                ]
                return _page("Accounts", accounts, members)
            case "ListOrganizationalUnitsForParent" if unit is not None:
                return _page("OrganizationalUnits", [{"Id": one} for one in unit.units], members)
            case "ListTagsForResource":
                known = {account: tags for one in self.organization.values() for account, tags in one.accounts.items()}
                tags = known[members["ResourceId"]]
                return _page("Tags", [{"Key": key, "Value": value} for key, value in tags.items()], members)
            case _:
                return None


def _chained(request: Request, before: Request, issued: Mapping[str, Request]) -> Refused | None:
    """Return how the next role of a chain is refused: by what carries on, or by the session's own policy."""
    carried = _carried(before, issued)
    if carried & set(request.tags):
        return "InvalidParameterValue", "a transitive tag conflicts with one of the calling session", 400
    identity = before.source_identity
    if identity is not None and request.source_identity not in (None, identity):
        return "AccessDenied", "a source identity cannot be changed", 403
    if before.policy is None:  # what the role itself may do, which nobody here restricts
        return None
    needed = {"sts:AssumeRole"}
    needed |= {"sts:TagSession"} if request.tags or carried else set()
    needed |= {"sts:SetSourceIdentity"} if request.source_identity or identity else set()
    for statement in json.loads(before.policy)["Statement"]:
        if statement["Resource"] == request.role_arn and needed <= set(statement["Action"]):
            return None
    return "AccessDenied", f"not authorized to perform: {', '.join(sorted(needed))}", 403


def _carried(request: Request, issued: Mapping[str, Request]) -> set[str]:
    before = issued.get(request.access_key_id or "")
    return set(request.transitive_tags) | (set() if before is None else _carried(before, issued))


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _totp(secret: bytes, step: int) -> str:
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    (number,) = struct.unpack(">I", digest[digest[-1] & 15 :][:4])
    return str(number & 0x7FFFFFFF)[-6:].zfill(6)


def _told(members: dict[str, Any]) -> web.Response:
    return web.json_response(members, content_type="application/x-amz-json-1.1")


def _page(name: str, listed: list[Any], members: dict[str, Any]) -> web.Response:
    """Return a page of two, as AWS does with pages of its own size."""
    begin = int(members.get("NextToken", 0))
    more = {"NextToken": str(begin + _PAGE)} if len(listed) > begin + _PAGE else {}
    return _told({name: listed[begin : begin + _PAGE], **more})


def _failed(code: str, message: str) -> web.Response:
    return web.json_response(
        {"__type": code, "Message": message}, status=400, content_type="application/x-amz-json-1.1"
    )
