"""Terraform: roles and policies as plain resources, so that no data source needs to be read to review them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendor.trust.roles import Role, Trust

PRINCIPAL: Final = "arn:aws:iam::ACCOUNT:role/VENDOR"
"""Stands where the service's own role was not named; AWS takes it for no ARN, so it cannot be applied by mistake."""
_VARIABLE: Final = """\
variable "vendor_principal" {
  description = "ARN of the role that vendor itself runs as"
  type        = string
}
"""


def as_terraform(trust: Trust) -> str:
    """Return Terraform resources; the service's own role is a variable where it was not named."""
    blocks = [*(f"# {line}" for line in trust.warnings)]
    body = [_role(role, _label(role.arn, trust.roles)) for role in trust.roles]
    if trust.base_policy is not None:
        body.append(_resource("aws_iam_policy", "vendor", name=_text("vendor"), policy=_document(trust.base_policy)))
    if any("var.vendor_principal" in one for one in body):
        body.insert(0, _VARIABLE)
    return "\n".join([*blocks, *body])


def _role(role: Role, label: str) -> str:
    path, _, name = role.arn.partition(":role")[2].rpartition("/")
    made = _resource(
        "aws_iam_role",
        label,
        name=_text(name),
        path=_text(f"{path}/"),
        description=_text(f"Assumed by vendor for {', '.join(role.scopes)}"[:1000]),
        max_session_duration=str(role.max_session_seconds),
        assume_role_policy=_document(role.trust_policy),
    )
    if role.permissions is None:
        return made
    of_role = f"aws_iam_role.{label}.id"
    least = _resource(
        "aws_iam_role_policy", label, name=_text("least"), role=of_role, policy=_document(role.permissions)
    )
    return f"{made}\n{least}"


def _label(arn: str, among: tuple[Role, ...]) -> str:
    """Return a name for a resource: the role's own, and its account where several have the same."""
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    twice = sum(role.arn.rpartition("/")[2] == name for role in among) > 1
    label = re.sub(r"[^A-Za-z0-9_-]", "_", f"{name}_{account}" if twice else name)
    return label if re.match(r"[A-Za-z_]", label) else f"_{label}"


def _resource(kind: str, label: str, **arguments: str) -> str:
    return "\n".join([f'resource "{kind}" "{label}" {{', *_arguments(arguments), "}\n"])


def _arguments(arguments: dict[str, str]) -> Iterator[str]:
    width = max(map(len, arguments))
    for name, value in arguments.items():
        yield f"  {name:<{width}} = {value}".replace("\n", "\n  ")


def _text(text: str) -> str:
    """Return a text in Terraform's quotes, in which `${` and `%{` would begin a template."""
    return json.dumps(text).replace("${", "$${").replace("%{", "%%{")


def _document(policy: dict[str, Any]) -> str:
    written = json.dumps(policy, indent=2).replace("${", "$${").replace("%{", "%%{")
    return f"jsonencode({written})".replace(f'"{PRINCIPAL}"', "var.vendor_principal")
