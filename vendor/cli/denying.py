"""Denying: the half of a revocation that AWS must be told, and its undoing."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from vendor.cli import operations

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from vendor.cli.operations import Operations


class Denying:
    """Prints or attaches the policies that make AWS deny whom a revocation stops; `told` is what was done."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._roles: list[str] = options.role
        self._whole = options.whole_role
        self._apply = options.apply
        self.told: dict[str, Any] = {}

    def deny(self, service: Operations, made: Mapping[str, Any]) -> int:
        """Have AWS deny the sessions of whom a revocation stops, and return the exit code."""
        from vendor.cli.iam import Iam, IamError  # noqa: PLC0415 - each command loads only what it needs
        from vendor.trust import denial  # noqa: PLC0415

        try:
            names = self._names(service, made)
            name = denial.policy_name(made["id"])
            if not self._apply:
                before = datetime.now(UTC) + timedelta(seconds=1)
                policies = {role: denial.policy(made["id"], said, before=before) for role, said in names.items()}
                print(operations.as_json({"policy_name": name, "roles": policies}))
            elif names:
                iam = Iam()
                before = iam.check(list(names))
                for role, said in names.items():
                    iam.put(role, name, denial.policy(made["id"], said, before=before))
                    self.told.setdefault("attached", []).append({"role": role, "policy_name": name})
        except (denial.DenialError, IamError) as exc:
            print(operations.safe(f"vendor: AWS does not deny all of their sessions: {exc}"), file=sys.stderr)
            print(f"vendor: the service stops them all the same; try again with --id {made['id']}", file=sys.stderr)
            return 1
        if names:
            return 0
        print("vendor: no role is known that AWS could deny them: --role names one", file=sys.stderr)
        return 1 if made.get("sessions") else 0

    def tell(self) -> None:
        """Print what was attached, and how long it takes."""
        for one in self.told.get("attached", []):
            print(f"attached {operations.safe(one['policy_name'])} to {operations.safe(one['role'])}")
        if self.told:
            print("AWS takes it up within seconds as a rule; its word is that it might take a few minutes")

    def lift(self, service: Operations, revocation_id: str) -> int:
        """Take off what `deny` attached, then let on whom the revocation stops."""
        from vendor.cli.iam import IamError  # noqa: PLC0415 - each command loads only what it needs

        known = self._known(service, revocation_id)
        roles = sorted({*self._roles, *(known["roles"] if known and known.get("deny_policy") else [])})
        try:
            self._take_off(revocation_id, roles)
        except IamError as exc:
            print(operations.safe(f"vendor: nobody is let on, as AWS goes on denying them: {exc}"), file=sys.stderr)
            return 1
        self.told["lifted"] = service.delete(operations.at("revocations", revocation_id)) if known else None
        return 0

    def tell_lifted(self, revocation_id: str) -> None:
        """Print what was lifted, and what comes to life again by it."""
        lifted = self.told["lifted"]
        shown = operations.safe(revocation_id)
        print(f"lifted {shown}" if lifted else f"the service stops nobody by {shown} any more")
        for role in self.told.get("taken_off", []):
            print(f"took its policy off {operations.safe(role)}")
        if lifted and lifted.get("sessions"):
            last = operations.safe(lifted.get("last_expiration"))
            print(f"sessions from before that have not ended: {lifted['sessions']}; AWS honours them until {last}")

    def _known(self, service: Operations, revocation_id: str) -> dict[str, Any] | None:
        """Return a revocation, None for one that has ended where its roles are named: AWS may deny on."""
        from vendor.client.refusals import Refused  # noqa: PLC0415 - each command loads only what it needs

        try:
            return service.get(operations.at("revocations", revocation_id))
        except Refused as exc:
            if exc.code != "not_found" or not self._roles:
                raise
            return None

    def _take_off(self, revocation_id: str, roles: list[str]) -> None:
        from vendor.cli.iam import Iam  # noqa: PLC0415 - each command loads only what it needs
        from vendor.trust import denial  # noqa: PLC0415

        if roles:
            iam = Iam()
            iam.check(roles)
            name = denial.policy_name(revocation_id)
            self.told["taken_off"] = [role for role in roles if iam.delete(role, name)]

    def _names(self, service: Operations, made: Mapping[str, Any]) -> Mapping[str, list[str] | None]:
        """Return which sessions of each role are to be denied: patterns of their names, or None for all.

        Raises DenialError.
        """
        from vendor.trust import denial  # noqa: PLC0415 - each command loads only what it needs

        roles = {*self._roles, *made["roles"]}
        if self._whole:
            return dict.fromkeys(sorted(roles))
        leases = service.pages("/v1/leases", "leases", revocation=made["id"])
        sessions = [denial.Session(one["role"], one["session_name"]) for one in leases]
        if users := sum(not session.role for session in sessions):
            told = f"{users} sessions of theirs are of no role, and denied by a policy of their IAM user alone"
            print(f"vendor: {told}", file=sys.stderr)
        found = denial.names_by_role(sessions)
        if made.get("issuer_url") and made.get("principal"):
            named = denial.names_of_principal(made["issuer_url"], made["principal"])
            others = {role: [name for name in names if not fnmatchcase(name, *named)] for role, names in found.items()}
            return {role: [*named, *others.get(role, ())] for role in sorted(roles | found.keys())}
        if unknown := self._roles and [role for role in self._roles if role not in found]:
            raise denial.DenialError(f"no session of {unknown[0]} is known to be theirs: --whole-role denies all of it")
        return found
