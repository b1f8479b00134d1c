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
_REQUIRED: Final = frozenset({"repository", "repository_id", "repository_owner", "repository_owner_id"})

_REPOSITORY: Final = re.compile(r"[^/]+/[^/]+")
# Since July 2026 the ids may stand behind the names ("Immutable subject claims").
_SUBJECT: Final = re.compile(r"repo:([^/:@]+)(?:@([^/:@]+))?/([^/:@]+)(?:@([^/:@]+))?(?::.*)?")


def _read(_issuer: Issuer, subject: str, claims: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return what a job is; `sub` may be put together in many ways, so it is read only where it could contradict."""
    found = texts(claims, _PATHS, required=_REQUIRED)
    owner, repository = found["repository_owner"], found["repository"]
    if not _REPOSITORY.fullmatch(repository) or not repository.startswith(f"{owner}/"):
        raise InvalidToken(Reason.CLAIMS, detail="repository is not that of repository_owner")
    if subject.startswith("repo:") and not _agrees(subject, found):
        raise InvalidToken(Reason.CLAIMS, detail="sub and repository do not agree")
    return {**found}


def _agrees(subject: str, found: Mapping[str, str]) -> bool:
    said = _SUBJECT.fullmatch(subject)
    if said is None:
        return False
    owner, owner_id, name, name_id = said.groups()
    return (
        f"{owner}/{name}" == found["repository"]
        and owner_id in {None, found["repository_owner_id"]}
        and name_id in {None, found["repository_id"]}
    )


_WORKFLOW: Final = Form(
    skeleton=re.compile("x/x/x/x[x:/]*"), example="OWNER/NAME/.github/workflows/FILE@refs/heads/BRANCH"
)
RULES: Final = Rules(
    names=_NAMES,
    read=_read,
    audience=audience,
    optional=frozenset(_NAMES) - _REQUIRED,
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
