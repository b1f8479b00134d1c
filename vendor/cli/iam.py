"""IAM, as `vendor revoke --apply` and `--lift` ask it: with the AWS identity of whoever runs the command."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any


class IamError(Exception):
    """AWS did not do it; the message says what AWS said, or what is missing."""


class Iam:
    """Attaches inline policies to roles of one account, and takes them off."""

    def __init__(self) -> None:
        """Find the identity as every AWS tool does; raise IamError where what says which cannot be used."""
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - each command loads only what it needs
        from botocore.session import get_session  # noqa: PLC0415

        try:
            session = get_session()
            region = session.get_config_variable("region") or "us-east-1"
            self._sts = session.create_client("sts", region_name=region)
            self._iam = session.create_client("iam", region_name=region)
        except BotoCoreError as exc:
            raise IamError(f"the AWS identity of the environment: {exc}") from exc

    def check(self, roles: list[str]) -> datetime:
        """Return AWS's own time, a second ahead, once it is known that all of these roles are of our account.

        What AWS has issued until now was issued before it: our clock may differ from the one that counts. Raises
        IamError.
        """
        told = self._ask(self._sts.get_caller_identity)
        for role in roles:
            if role.split(":")[4] != told["Account"]:
                identity = f"an identity of {told['Account']}"
                raise IamError(f"{role} is of another account than the environment's AWS identity, {identity}")
        date = told["ResponseMetadata"]["HTTPHeaders"].get("date")
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        return now.astimezone(UTC) + timedelta(seconds=1)

    def put(self, role: str, name: str, policy: dict[str, Any]) -> None:
        """Attach a policy to a role, in the place of one of the same name.

        Raises IamError.
        """
        document = json.dumps(policy, separators=(",", ":"))
        self._ask(self._iam.put_role_policy, RoleName=_name(role), PolicyName=name, PolicyDocument=document)

    def delete(self, role: str, name: str) -> bool:
        """Take a policy off a role, and return whether it was there.

        Raises IamError.
        """
        return self._ask(self._iam.delete_role_policy, RoleName=_name(role), PolicyName=name) is not None

    def _ask(self, call: Any, **said: str) -> Any:
        """Return AWS's answer, None if there is no such thing."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

        try:
            return call(**said)
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "NoSuchEntity" and "delete" in exc.operation_name.lower():
                return None
            raise IamError(f"AWS says: {exc}") from exc
        except BotoCoreError as exc:
            raise IamError(f"AWS cannot be asked: {exc}") from exc


def _name(role: str) -> str:
    return role.rpartition("/")[2]
