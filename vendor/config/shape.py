"""The shape of the configuration: which keys there are, of which type. What they mean together is checked after it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
)

_DURATION: Final = re.compile(r"([1-9][0-9]{0,6})([smhd])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_ATTRIBUTE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9._-]{1,32}", re.ASCII)
_SCOPE: Final = re.compile(r"[a-z0-9][a-z0-9._:-]{0,62}", re.ASCII)


def seconds(duration: str) -> int:
    """Return the seconds of a duration such as `15m`, `1h` or `900s`.

    Raises ValueError.
    """
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError("expected a duration such as 15m, 1h or 900s")
    return int(found[1]) * _SECONDS[found[2]]


def _duration(value: str) -> str:
    seconds(value)
    return value


def _attribute(value: str) -> str:
    if not _ATTRIBUTE.fullmatch(value):
        raise ValueError("expected a name of lower-case letters, digits and _, beginning with a letter")
    return value


def _scope(value: str) -> str:
    if not _SCOPE.fullmatch(value):
        raise ValueError("expected a name of at most 63 lower-case letters, digits and . _ : -")
    return value


def _word(value: str) -> str:
    if not _WORD.fullmatch(value):
        raise ValueError("expected at most 32 letters, digits and . _ -")
    return value


def _true(value: bool) -> bool:  # noqa: FBT001 - what is validated
    if not value:
        raise ValueError("only true can be said here")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool | float):  # Python takes them for the number that they equal
        raise ValueError("expected 1")  # noqa: TRY004 - what pydantic turns into a finding
    return value


def _kind(value: object) -> str | None:
    """Return which member of a union a value is for, by its YAML type alone."""
    for tag, kind in (("flag", bool), ("number", int), ("text", str), ("list", list), ("mapping", dict)):
        if isinstance(value, kind):
            return tag
    return None


_By = Discriminator(_kind, custom_error_type="kind", custom_error_message="a value of another type is expected here")
Text = Annotated[str, StringConstraints(min_length=1)]
Duration = Annotated[
    str,
    AfterValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,6}[smhd]$", "examples": ["15m", "1h", "900s"]}),
]
AttributeName = Annotated[str, AfterValidator(_attribute)]
ScopeName = Annotated[str, AfterValidator(_scope)]
OnlyTrue = Annotated[bool, AfterValidator(_true)]


class Shape(BaseModel):
    """A mapping of known keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Tls(Shape):
    """Certificate and key of a listener, PEM; read again when the files change."""

    certificate: Text
    private_key: Text
    client_ca: Text | None = None


class Listen(Shape):
    """The public listener."""

    address: Text = "0.0.0.0:8080"
    tls: Tls | None = None
    sts_get: bool = False


class MatcherMapping(Shape):
    """A matcher that is more than equality; exactly one of its keys."""

    glob: Text | None = None
    contains: Text | None = None
    present: OnlyTrue | None = None


Scalar = Annotated[
    Annotated[str, Tag("text")]
    | Annotated[int, Tag("number")]
    | Annotated[bool, Tag("flag")]
    | Annotated[MatcherMapping, Tag("mapping")],
    _By,
]
Matcher = Annotated[
    Annotated[str, Tag("text")]
    | Annotated[int, Tag("number")]
    | Annotated[bool, Tag("flag")]
    | Annotated[MatcherMapping, Tag("mapping")]
    | Annotated[list[Scalar], Field(min_length=1), Tag("list")],
    _By,
]


class Grant(Shape):
    """Tokens of an issuer whose attributes match."""

    issuer: Text
    where: Annotated[dict[AttributeName, Matcher], Field(min_length=1)]


class Operations(Shape):
    """The operators' listener."""

    address: Text = "0.0.0.0:9090"
    operators: list[Grant] = []
    revocations: Text | None = None


class EncryptionKey(Shape):
    """A key that seals what is stored: 32 bytes, as they are or in base64."""

    id: Annotated[str, AfterValidator(_word)]
    file: Text


class Sentinel(Shape):
    """What sentinels call the store, and how they know us."""

    service: Text
    user: Text | None = None
    password: Text | None = None


class Redis(Shape):
    """A Redis or Valkey: the first of the keys seals, all of them open."""

    url: Text
    nodes: Annotated[list[Text], Field(min_length=1)] | None = None
    password: Text | None = None
    ca_file: Text | None = None
    certificate: Text | None = None
    private_key: Text | None = None
    cluster: bool = False
    sentinel: Sentinel | None = None
    prefix: Annotated[str, AfterValidator(_word)] = "vendor"
    encryption_keys: Annotated[list[EncryptionKey], Field(min_length=1)]


class SharedStore(Shape):
    """A store that replicas share."""

    redis: Redis


class Audit(Shape):
    """Where audit lines go: a file, or `-` for stdout."""

    path: Text = "-"
    on_failure: Literal["refuse", "continue"] = "refuse"


class KeysUrl(Shape):
    """A JWKS at a URL."""

    url: Text


class KeysFile(Shape):
    """A JWKS in a file."""

    file: Text


class KeysMapping(Shape):
    """Where the keys are; exactly one of its keys."""

    url: Text | None = None
    file: Text | None = None


Keys = Annotated[
    Annotated[Literal["discovery", "kubernetes"], Tag("text")] | Annotated[KeysMapping, Tag("mapping")], _By
]


class ApiServer(Shape):
    """A Kubernetes API server; what is left out is where a pod finds it."""

    url: Text | None = None
    token_file: Text = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path
    ca_file: Text = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"


class Issuer(Shape):
    """An issuer whose tokens are taken."""

    issuer: Text
    audience: Text
    kind: Literal["kubernetes", "github", "gitlab", "spiffe", "cognito", "aws", "generic"]
    keys: Keys = "discovery"
    algorithms: Annotated[list[str], Field(min_length=1)] = ["RS256"]
    attributes: dict[AttributeName, Annotated[list[Text], Field(min_length=1)]] = {}
    max_token_lifetime: Duration = "24h"  # noqa: S105 - a duration
    max_token_age: Duration | None = None
    max_keys_age: Duration = "24h"
    leeway: Duration = "30s"
    one_time_tokens: bool = False
    token_review: bool = False
    require_token_scope: bool = False
    strict_aud: bool = True
    api_server: ApiServer | None = None
    ca_file: Text | None = None
    keys_cache: Text | None = None
    trust_domain: Text | None = None
    allow_private_addresses: bool = False


class Ceiling(Shape):
    """What no scope of some files may exceed; a list that is left out limits nothing, but for policy_arns."""

    files: Text
    names: Annotated[list[Text], Field(min_length=1)] | None = None
    issuers: Annotated[list[Text], Field(min_length=1)] | None = None
    targets: Annotated[list[Text], Field(min_length=1)] | None = None
    roles: Annotated[list[Text], Field(min_length=1)] | None = None
    max_duration: Duration | None = None
    actions_denied: list[Text] = []
    resources: Annotated[list[Text], Field(min_length=1)] | None = None
    policy_arns: list[Text] = []
    tags: dict[Text, Annotated[list[Text], Field(min_length=1)]] = {}
    unrestricted: bool = False
    audit_mode: bool = False
    references: bool = False


Feature = Literal["tags", "policy_arns", "source_identity", "external_id", "assumed_role_user"]


class OwnToken(Shape):
    """A role that trusts the token in a file which others renew."""

    role: Text
    token_file: Text


class OwnKey(Shape):
    """An IAM user's access key, or another cloud's, with its secret in a file."""

    id: Text
    secret_file: Text


class OwnMapping(Shape):
    """Where the service's own identity comes from; exactly one of its keys."""

    profile: Text | None = None
    web_identity: OwnToken | None = None
    access_key: OwnKey | None = None


Own = Annotated[Annotated[Literal["ambient"], Tag("text")] | Annotated[OwnMapping, Tag("mapping")], _By]


class Target(Shape):
    """An STS to mint with: its regions in order, or any endpoint that speaks its protocol.

    `features` are what such an endpoint has of what AWS has; left out, it has all of it. `identity` is the service's
    own there: what AWS's SDKs find by themselves, unless another one is named.
    """

    endpoint_url: Text | None = None
    ca_file: Text | None = None
    regions: Annotated[list[Text], Field(min_length=1)]
    fips: bool = False
    dualstack: bool = False
    features: list[Feature] | None = None
    federation_url: Text | None = None
    identity: Own = "ambient"
    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class PrincipalLimits(Shape):
    """How often each principal may ask for what is not at hand: what is held already is not counted."""

    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1000
    burst: Annotated[int, Field(ge=5)] = 5000  # an SDK sends up to five requests before it takes a no


class Limits(Shape):
    """How much is done at once, and for each principal."""

    concurrent_requests: Annotated[int, Field(ge=1)] = 10_000
    per_principal: PrincipalLimits = PrincipalLimits()


class Organization(Shape):
    """The active accounts below some parents of an organization, those with all of the tags."""

    target: Text
    parents: Annotated[list[Text], Field(min_length=1)]
    tags: dict[Text, str] = {}


class Accounts(Shape):
    """Accounts that are listed by asking AWS."""

    organization: Organization


class Parameter(Shape):
    """What a caller may say."""

    description: str = ""
    pattern: Text | None = None
    one_of: Annotated[list[Text], Field(min_length=1)] | None = None
    accounts: Accounts | None = None
    path: bool = False
    default: Text | None = None
    required: bool | None = None


class Hop(Shape):
    """A role on the way to the role."""

    role: Text
    external_id: Text | None = None


class AssumeRole(Shape):
    """sts:AssumeRole."""

    role: Text
    external_id: Text | None = None
    via: list[Hop] = []
    mfa_serial: Text | None = None
    mfa_secret_file: Text | None = None


class WebIdentity(Shape):
    """sts:AssumeRoleWithWebIdentity with the caller's own token."""

    role: Text


class Saml(Shape):
    """sts:AssumeRoleWithSAML; without a file the caller brings the assertion."""

    role: Text
    provider: Text
    assertion_file: Text | None = None


class SessionToken(Shape):
    """sts:GetSessionToken; with a device and no secret the caller brings its code."""

    mfa_serial: Text | None = None
    mfa_secret_file: Text | None = None


class FederationToken(Shape):
    """sts:GetFederationToken."""

    name: Text


class Root(Shape):
    """sts:AssumeRoot."""

    account: Text
    task_policy: Text


class IdentityToken(Shape):
    """sts:GetWebIdentityToken."""

    audience: Annotated[
        Annotated[Text, Tag("text")] | Annotated[list[Text], Field(min_length=1), Tag("list")],
        _By,
    ]
    signing_algorithm: Literal["RS256", "ES384"]


class CognitoIdentity(Shape):
    """A Cognito identity pool, and what of the caller's each of its providers is shown."""

    pool: Text
    logins: Annotated[dict[Text, Literal["token", "saml_assertion"]], Field(min_length=1)]


class Mint(Shape):
    """How the credentials are made; exactly one of its keys."""

    assume_role: AssumeRole | None = None
    web_identity: WebIdentity | None = None
    saml: Saml | None = None
    session_token: SessionToken | None = None
    federation_token: FederationToken | None = None
    root: Root | None = None
    identity_token: IdentityToken | None = None
    cognito_identity: CognitoIdentity | None = None


class SessionDefaults(Shape):
    """What scopes inherit for their sessions."""

    tags: dict[Text, Text] = {}
    transitive_tags: list[Text] = []
    optional_tags: list[Text] = []
    name: Text | None = None
    source_identity: Text | None = None
    duration: Duration | None = None
    max_duration: Duration | None = None
    cap_to_token: bool | None = None


class Session(SessionDefaults):
    """What each session of a scope is limited to: exactly one of policy, policy_file and unrestricted."""

    policy: Annotated[Annotated[Text, Tag("text")] | Annotated[dict[str, Any], Tag("mapping")], _By] | None = None
    policy_file: Text | None = None
    unrestricted: OnlyTrue | None = None
    policy_arns: list[Text] = []


class Scope(Shape):
    """One scope: who may have it, and the session that comes of it."""

    description: str = ""
    grants: Annotated[list[Grant], Field(min_length=1)]
    parameters: dict[AttributeName, Parameter] = {}
    target: Text | None = None
    mint: Mint
    session: Session
    mode: Literal["enforce", "audit"] | None = None


class Defaults(Shape):
    """What every scope inherits; what a scope says itself wins."""

    target: Text | None = None
    mode: Literal["enforce", "audit"] | None = None
    session: SessionDefaults = SessionDefaults()


class ScopeFile(Shape):
    """An included file: scopes and nothing else."""

    scopes: Annotated[dict[ScopeName, Scope], Field(min_length=1)]


class Configuration(Shape):
    """The configuration of the credential vendor."""

    version: Annotated[Literal[1], BeforeValidator(_number)]
    include: list[Text] = []
    defaults: Defaults = Defaults()
    policies: dict[
        Text,
        Annotated[
            Annotated[dict[str, Any], Tag("mapping")]
            | Annotated[list[dict[str, Any]], Field(min_length=1), Tag("list")],
            _By,
        ],
    ] = {}
    listen: Listen = Listen()
    operations: Operations = Operations()
    store: Annotated[Annotated[Literal["memory"], Tag("text")] | Annotated[SharedStore, Tag("mapping")], _By] = "memory"
    audit: Audit = Audit()
    limits: Limits = Limits()
    issuers: Annotated[dict[Text, Issuer], Field(min_length=1)]
    ceilings: list[Ceiling] = []
    targets: dict[Text, Target] = {}
    scopes: dict[ScopeName, Scope] = {}


class Remains(Configuration):
    """What is left of a configuration of which a part is wrong: the other parts are still looked at."""

    version: Literal[1] = 1
    issuers: dict[Text, Issuer] = {}
