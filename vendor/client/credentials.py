"""What was asked for: credentials, believed only when they are whole and still valid."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

TYPE_CHECKING = False  # as in address.py
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

_WANTED = ("AccessKeyId", "SecretAccessKey", "Token", "Expiration")
_MARGIN = timedelta(minutes=20)  # SDKs ask at nearly every use once less than 15 minutes are left
_OPTIONAL = ("Code", "Type", "LastUpdated", "AccountId", "RoleArn", "RefreshAfter", "Scope", "SessionName")


class Credentials:
    """AWS credentials for a while, as the service gave them; no secret in their repr, and not to be pickled.

    Not a dataclass: importing `dataclasses` alone would cost a sixth of what `vend` takes to start.
    """

    __slots__ = ("_document",)

    def __init__(self, document: Mapping[str, str]) -> None:
        self._document = dict(document)

    @property
    def access_key_id(self) -> str:
        """The public half: `ASIA…`."""
        return self._document["AccessKeyId"]

    @property
    def secret_access_key(self) -> str:
        """The secret that signs requests."""
        return self._document["SecretAccessKey"]

    @property
    def session_token(self) -> str:
        """The token that goes along with each signed request."""
        return self._document["Token"]

    @property
    def expiration(self) -> datetime:
        """When AWS stops taking them, aware, in UTC."""
        return datetime.fromisoformat(self._document["Expiration"])

    @property
    def refresh_after(self) -> datetime | None:
        """When the service would like to be asked again, if it says so."""
        moment = self._document.get("RefreshAfter")
        return datetime.fromisoformat(moment) if moment else None

    @property
    def renewal(self) -> datetime:
        """When to ask again: what the service says, else 20 minutes or a third of their life before their end."""
        if self.refresh_after:
            return self.refresh_after
        began = self._document.get("LastUpdated")
        life = self.expiration - datetime.fromisoformat(began) if began else _MARGIN * 3
        return self.expiration - min(_MARGIN, life / 3)

    @property
    def account_id(self) -> str | None:
        """The AWS account they belong to, 12 digits, if the service says so."""
        return self._document.get("AccountId")

    @property
    def role_arn(self) -> str | None:
        """The role behind them, if the service says so."""
        return self._document.get("RoleArn")

    @property
    def scope(self) -> str | None:
        """The scope that was granted; the door for callers of one scope only does not name it."""
        return self._document.get("Scope")

    @property
    def session_name(self) -> str | None:
        """The role session's name, as AWS logs show it, if the service says so."""
        return self._document.get("SessionName")

    def document(self) -> dict[str, str]:
        """Return the service's JSON answer, secrets included."""
        return dict(self._document)

    def __repr__(self) -> str:
        return f"Credentials(access_key_id={self.access_key_id!r}, expiration={self._document['Expiration']!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not pickled: a pickle is a file that someone else can read")


def read_credentials(members: Mapping[str, object], *, now: datetime) -> Credentials:
    """Credentials out of an answer's members; what we do not know is left out.

    Raises ValueError naming the member, never its value.
    """
    if members.get("Type") == "JWT":
        raise ValueError("this scope gives an identity token and no credentials: `vend get` prints it")
    document = {name: _text(members, name) for name in (*_WANTED, *_OPTIONAL) if name in members}
    if missing := [name for name in _WANTED if not document.get(name)]:
        raise ValueError(f"{missing[0]} is missing")
    expiration = read_moment(document["Expiration"], "Expiration")
    for name in ("LastUpdated", "RefreshAfter"):
        if document.get(name):
            read_moment(document[name], name)
    if expiration <= now:
        raise ValueError("these credentials have expired already, if this machine's clock is right")
    return Credentials({name: document[name] for name in members if name in document})


def _text(members: Mapping[str, object], name: str) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")  # noqa: TRY004  # the answer is wrong, not our caller
    if value and not (value.isascii() and value.isprintable()):
        raise ValueError(f"{name} holds characters that no credential has")
    return value


def read_moment(value: str, name: str) -> datetime:
    """Return a time of the one form that the service writes. Raises ValueError, which says `name` and not the value."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", value):
        raise ValueError(f"{name} is no time of the form YYYY-MM-DDTHH:MM:SSZ")
    try:
        return datetime.fromisoformat(value)
    except ValueError as exc:
        raise ValueError(f"{name} is a time that never is") from exc
