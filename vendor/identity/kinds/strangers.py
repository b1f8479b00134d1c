"""Strangers: the issuers that give tokens to anybody, and what in those tokens says whose workload it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """What names an owner in the tokens of an issuer that strangers get tokens of too.

    The claims in `whole` name one by their whole value, those in `paths` by what stands before their first `/`. `sub`
    names one behind each of `subjects`, up to the next `/` or `:`; without any of them, in its first two parts.
    """

    whole: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    subjects: tuple[str, ...] = ()

    @property
    def claims(self) -> tuple[str, ...]:
        """Return every claim that names an owner, `sub` aside."""
        return tuple(sorted(self.whole | self.paths))

    def names_by_subject(self, text: str) -> bool:
        """Tell whether a subject, or a glob of subjects, leaves no doubt whose they are."""
        if not self.subjects:
            return "*" not in text or "*" not in "".join(_PARTS.split(text, 2)[:2])
        behind = next((text.removeprefix(key) for key in self.subjects if text.startswith(key)), "*")
        return "*" not in _PARTS.split(behind, 1)[0]

    def names_by_claim(self, claim: str, text: str) -> bool:
        """Tell whether a claim's value, or a glob of its values, leaves no doubt whose they are."""
        return claim in self.claims and "*" not in (text.partition("/")[0] if claim in self.paths else text)


_PARTS: Final = re.compile("[:/]")

# Not job_workflow_ref: everybody may call a public workflow, and then runs under its name with inputs of their own.
GITHUB: Final = Owners(
    whole=frozenset({"repository_id", "repository_owner", "repository_owner_id"}),
    paths=frozenset({"repository", "workflow_ref"}),
    subjects=(
        *("repo:", "repository:", "repository_id:"),
        *("repository_owner:", "repository_owner_id:", "workflow_ref:"),
    ),
)
GITLAB: Final = Owners(
    whole=frozenset({"project_id", "namespace_id"}),
    paths=frozenset({"project_path", "namespace_path"}),
    subjects=("project_path:",),
)
_MICROSOFT: Final = Owners(whole=frozenset({"oid"}))
# The last is the one tenant of all private accounts, so `tid` tells nobody from anybody.
_MICROSOFT_TENANTS: Final = frozenset({"common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"})
_BY_HOST: Final[Mapping[str, Owners]] = MappingProxyType(
    {
        "token.actions.githubusercontent.com": GITHUB,
        "gitlab.com": GITLAB,
        "accounts.google.com": Owners(whole=frozenset({"hd"})),
        "agent.buildkite.com": Owners(whole=frozenset({"organization_id", "organization_slug", "pipeline_id"})),
        "api.bitbucket.org": Owners(whole=frozenset({"workspaceUuid", "repositoryUuid"})),
        "api.pulumi.com": Owners(),
        "app.terraform.io": Owners(
            whole=frozenset(
                f"terraform_{name}" for name in ("organization_id", "organization_name", "project_id", "workspace_id")
            )
        ),
        "appleid.apple.com": Owners(),
        "cognito-identity.amazonaws.com": Owners(),
        "oidc.circleci.com": Owners(
            whole=frozenset({"oidc.circleci.com/org-id", "oidc.circleci.com/project-id"}),
        ),
        "oidc.codefresh.io": Owners(whole=frozenset({"account_id"})),
        "oidc.vercel.com": Owners(whole=frozenset({"owner_id", "project_id"})),
        "token.builds.bitrise.io": Owners(),
    }
)


def known(url: str) -> Owners | None:
    """Return what names an owner in the tokens of this issuer, None if it is not known to give them to strangers."""
    host, _, path = url.rpartition("://")[2].partition("/")  # Google has issued tokens without a scheme, too
    if host.lower() == "login.microsoftonline.com":
        return _MICROSOFT if path.partition("/")[0].lower() in _MICROSOFT_TENANTS else None
    return _BY_HOST.get(host.lower())


def github(_url: str) -> Owners:
    """Return what names an owner in any token of GitHub Actions: on a server of one's own anybody has repositories."""
    return GITHUB
