"""GitHub: tokens of GitHub Actions, of github.com and of an Enterprise Server.

Source: GitHub Docs, "OpenID Connect reference".
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from vendor.identity.kinds import strangers
from vendor.identity.kinds.rules import Form, Rules, audience, texts
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue

_NAMES: Final = (
    *("repository", "repository_id", "repository_owner", "repository_owner_id"),
    *("ref", "ref_type", "environment", "workflow_ref", "job_workflow_ref"),
    *("event_name", "actor_id", "runner_environment"),
)
_PATHS: Final = MappingProxyType({name: (name,) for name in _NAMES})
_ALWAYS: Final = frozenset({"repository", "repository_id", "repository_owner", "repository_owner_id"})
"""What all tokens have but those of an old Enterprise Server."""

_REPOSITORY: Final = re.compile(r"([^/]+)/[^/]+")
# Since July 2026 the ids may stand behind the names ("Immutable subject claims").
_SUBJECT: Final = re.compile(r"repo:([^/:@]+)(?:@([^/:@]+))?/([^/:@]+)(?:@([^/:@]+))?(?::.*)?")


def _read(_issuer: Issuer, subject: str, claims: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return what a job is; `sub` may be put together in many ways, so it is read only where it could contradict."""
    found = texts(claims, _PATHS)
    if "repository" in found:
        said = _REPOSITORY.fullmatch(found["repository"])
        if said is None or said[1] != found.get("repository_owner", said[1]):
            raise InvalidToken(Reason.CLAIMS, detail="repository is not that of repository_owner")
    if subject.startswith("repo:") and not _agrees(subject, found):
        raise InvalidToken(Reason.CLAIMS, detail="sub and repository do not agree")
    return {**found}


def _agrees(subject: str, found: Mapping[str, str]) -> bool:
    """Tell whether what a subject names is nowhere something else."""
    said = _SUBJECT.fullmatch(subject)
    if said is None:
        return False
    owner, owner_id, name, name_id = said.groups()
    told = {
        "repository": f"{owner}/{name}",
        "repository_id": name_id,
        "repository_owner": owner,
        "repository_owner_id": owner_id,
    }
    return all(value in {None, found.get(attribute, value)} for attribute, value in told.items())


_WORKFLOW: Final = Form(
    skeleton=re.compile("x/x/x/x[x:/]*"), example="OWNER/NAME/.github/workflows/FILE@refs/heads/BRANCH"
)
RULES: Final = Rules(
    names=_NAMES,
    read=_read,
    audience=audience,
    optional=frozenset(_NAMES) - _ALWAYS,
    forms=MappingProxyType(
        {
            "subject": Form(prefix="repo:", skeleton=re.compile("x:x/x:x[x:/]*"), example="repo:OWNER/NAME:…"),
            "repository": Form(skeleton=re.compile("x/x"), example="OWNER/NAME"),
            "repository_owner": Form(skeleton=re.compile("x"), example="OWNER"),
            "ref": Form(skeleton=re.compile("x(/x){2,}"), example="refs/heads/BRANCH"),
            "workflow_ref": _WORKFLOW,
            "job_workflow_ref": _WORKFLOW,
        }
    ),
    strangers=strangers.github,
)
