"""Mints: the ways in which a scope's credentials can be made, each with the places that are filled in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from vendor.policy.session import Action, Hop, Mfa, Pool, Provider, Signing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vendor.policy.template import Text

    Values = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """A role on the way, and the external id that it wants."""

    role: Text
    external_id: Text | None

    def fill(self, values: Values) -> Hop:
        """Return the hop with every place filled."""
        return Hop(self.role.fill(values), self.external_id.fill(values) if self.external_id else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumeRole:
    """sts:AssumeRole of this role, with this external id, from the last of the roles on the way."""

    action: ClassVar = Action.ASSUME_ROLE
    role: Text
    external_id: Text | None = None
    via: tuple[Via, ...] = ()
    mfa: Mfa | None = None

    def texts(self) -> Iterator[Text]:
        """Yield every text that may have a place in it."""
        for role, external_id in [*((hop.role, hop.external_id) for hop in self.via), (self.role, self.external_id)]:
            yield from (text for text in (role, external_id) if text is not None)

    def fill(self, values: Values) -> dict[str, Any]:
        """Return the members of a RoleSession that the mint decides."""
        return {
            "role_arn": self.role.fill(values),
            "external_id": self.external_id.fill(values) if self.external_id else None,
            "via": tuple(hop.fill(values) for hop in self.via),
            "mfa": self.mfa,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WebIdentity:
    """sts:AssumeRoleWithWebIdentity of this role, with the caller's own token."""

    action: ClassVar = Action.WEB_IDENTITY
    external_id: ClassVar[Text | None] = None
    via: ClassVar[tuple[Via, ...]] = ()
    role: Text

    def texts(self) -> Iterator[Text]:
        """Yield every text that may have a place in it."""
        yield self.role

    def fill(self, values: Values) -> dict[str, Any]:
        """Return the members of a RoleSession that the mint decides."""
        return {"role_arn": self.role.fill(values)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Saml:
    """sts:AssumeRoleWithSAML of this role, with an assertion of this provider that the caller brings.

    With `assertion_file` it is the service's own, which that file holds.
    """

    action: ClassVar = Action.SAML
    external_id: ClassVar[Text | None] = None
    via: ClassVar[tuple[Via, ...]] = ()
    role: Text
    provider: Text
    assertion_file: str | None = None

    def texts(self) -> Iterator[Text]:
        """Yield every text that may have a place in it."""
        yield from (self.role, self.provider)

    def fill(self, values: Values) -> dict[str, Any]:
        """Return the members of a RoleSession that the mint decides."""
        return {
            "role_arn": self.role.fill(values),
            "provider": Provider(self.provider.fill(values), self.assertion_file),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Roleless:
    """What is made without a role: no place of it is filled, but for what says so."""

    role: ClassVar[Text | None] = None
    external_id: ClassVar[Text | None] = None
    via: ClassVar[tuple[Via, ...]] = ()

    def texts(self) -> Iterator[Text]:
        """Yield every text that may have a place in it."""
        yield from ()

    def fill(self, values: Values) -> dict[str, Any]:  # noqa: ARG002 - there is no place
        """Return the members of a RoleSession that the mint decides."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionToken(Roleless):
    """sts:GetSessionToken of the service's own user."""

    action: ClassVar = Action.SESSION_TOKEN
    mfa: Mfa | None

    def fill(self, values: Values) -> dict[str, Any]:  # noqa: ARG002 - there is no place
        """Return the members of a RoleSession that the mint decides."""
        return {"mfa": self.mfa}


@dataclass(frozen=True, slots=True, kw_only=True)
class FederationToken(Roleless):
    """sts:GetFederationToken for a user of this name, which is the head of the session name."""

    action: ClassVar = Action.FEDERATION_TOKEN
    name: Text

    def texts(self) -> Iterator[Text]:
        """Yield every text that may have a place in it."""
        yield self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Root(Roleless):
    """sts:AssumeRoot of a member account, for what one of AWS's task policies allows."""

    action: ClassVar = Action.ROOT
    account: Text
    task_policy: str
    partition: str

    def texts(self) -> Iterator[Text]:
        """Yield every text that may have a place in it."""
        yield self.account

    def fill(self, values: Values) -> dict[str, Any]:
        """Return the members of a RoleSession that the mint decides."""
        account = self.account.fill(values)
        return {"role_arn": f"arn:{self.partition}:iam::{account}:root", "task_policy": self.task_policy}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityToken(Roleless):
    """sts:GetWebIdentityToken: a JWT that AWS signs, about the service's own identity and with the session's tags."""

    action: ClassVar = Action.IDENTITY_TOKEN
    audience: tuple[str, ...]
    algorithm: str

    def fill(self, values: Values) -> dict[str, Any]:  # noqa: ARG002 - there is no place
        """Return the members of a RoleSession that the mint decides."""
        return {"signing": Signing(self.audience, self.algorithm)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CognitoIdentity(Roleless):
    """The credentials that a Cognito identity pool gives to whom its providers know."""

    action: ClassVar = Action.COGNITO_IDENTITY
    pool: str
    logins: tuple[tuple[str, str], ...]

    def fill(self, values: Values) -> dict[str, Any]:  # noqa: ARG002 - there is no place
        """Return the members of a RoleSession that the mint decides."""
        return {"pool": Pool(self.pool, self.logins)}


Mint = AssumeRole | WebIdentity | Saml | SessionToken | FederationToken | Root | IdentityToken | CognitoIdentity
"""How the credentials of a scope are made."""
