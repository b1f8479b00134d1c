"""GitLab: ID tokens of CI/CD jobs, of gitlab.com and of instances of one's own.

Source: GitLab Docs, "OpenID Connect (OIDC) Authentication Using ID Tokens". All values are strings there, `"true"` too.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from vendor.identity.kinds.rules import Form, Rules, audience, texts
from vendor.refusals import InvalidToken, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor.identity.issuer import Issuer
    from vendor.identity.principal import AttributeValue

_NAMES: Final = (
    *("project_path", "project_id", "namespace_path", "namespace_id"),
    *("ref", "ref_type", "ref_protected", "environment", "pipeline_source"),
)
_PATHS: Final = MappingProxyType({name: (name,) for name in _NAMES})
_OPTIONAL: Final = frozenset({"environment"})
_SUBJECT: Final = "project_path:"


def _read(_issuer: Issuer, subject: str, claims: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return what a job is; a `sub` that names a project names the same one."""
    found = texts(claims, _PATHS)
    project = found.get("project_path")
    if project is None:
        return {**found}
    namespace, _, name = project.rpartition("/")
    if not name or not f"{namespace}/".startswith(f"{found.get('namespace_path', namespace)}/"):
        raise InvalidToken(Reason.CLAIMS, detail="project_path is not below namespace_path")
    if subject.startswith(_SUBJECT) and subject.removeprefix(_SUBJECT).partition(":")[0] != project:
        raise InvalidToken(Reason.CLAIMS, detail="sub and project_path do not agree")
    return {**found}


RULES: Final = Rules(
    names=_NAMES,
    read=_read,
    audience=audience,
    optional=_OPTIONAL,
    forms=MappingProxyType(
        {
            "subject": Form(
                prefix=_SUBJECT,
                skeleton=re.compile("x:x(/x)+(:[x:/]*)?"),
                example="project_path:GROUP/PROJECT:ref_type:branch:ref:BRANCH",
            ),
            "project_path": Form(skeleton=re.compile("x(/x)+"), example="GROUP/PROJECT"),
            "namespace_path": Form(skeleton=re.compile("x(/x)*"), example="GROUP/SUBGROUP"),
        }
    ),
)
