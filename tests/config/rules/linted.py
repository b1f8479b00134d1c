"""What an IAM linter has against a policy, each with what breaks it and what is found then."""

from __future__ import annotations

from tests.config.rules.passages import ACTION, OF_RESOURCE, OF_STATEMENT, RESOURCE
from tests.config.sound import rules

OF_ACTION = f"{OF_STATEMENT}.Action"
OF_CONDITION = f"{OF_STATEMENT}.Condition"
INDENT = "            "


def _condition(condition: str) -> str:
    return f"{ACTION}{INDENT}Condition: ^^{condition}\n"


LINTED = rules(
    (
        "an action is one of AWS's",
        ACTION,
        f"{INDENT}Action: ^^s3:GetObjekt\n",
        OF_ACTION,
        "Unknown action s3:GetObjekt",
    ),
    (
        "an action is one of a service of AWS's",
        ACTION,
        f"{INDENT}Action: [s3:GetObject, ^^s4:GetObject]\n",
        f"{OF_ACTION}[1]",
        "Unknown prefix s4",
    ),
    (
        "an action has a service",
        ACTION,
        f"{INDENT}Action: ^^GetObject\n",
        OF_ACTION,
        "Action should be in form service:action",
    ),
    (
        "an action that is left out is one of AWS's",
        ACTION,
        f"{INDENT}NotAction: ^^s3:GetObjekt\n",
        f"{OF_STATEMENT}.NotAction",
        "Unknown action s3:GetObjekt",
    ),
    (
        "a condition key is one of the action's",
        ACTION,
        _condition("{StringLike: {'s3:prefix': a}}"),
        OF_CONDITION,
        "Unknown condition s3:prefix for action s3:GetObject",
    ),
    (
        "an operator is one of IAM's",
        ACTION,
        _condition("{StringSame: {'aws:PrincipalTag/team': a}}"),
        OF_CONDITION,
        "StringSame",
    ),
    (
        "a value is of its key's type",
        ACTION,
        _condition("{NumericLessThan: {'aws:MultiFactorAuthAge': soon}}"),
        OF_CONDITION,
        "Type mismatch: aws:MultiFactorAuthAge requires a value of type Numeric but given ['soon']",
    ),
    (
        "a flag is true or false",
        ACTION,
        _condition("{Bool: {'aws:SecureTransport': sometimes}}"),
        OF_CONDITION,
        "mismatched type operation to null",
    ),
    (
        "MFA is demanded so that it holds",
        ACTION,
        _condition("{Bool: {'aws:MultiFactorAuthPresent': 'false'}}"),
        OF_CONDITION,
        'The condition {"Bool": {"aws:MultiFactorAuthPresent":"false"}} is bad',
    ),
    (
        "an action is about its resource",
        ACTION,
        f"{INDENT}Action: sqs:SendMessage\n",
        OF_RESOURCE,
        "sqs:SendMessage is for resources such as arn:*:sqs:*:*:*",
        RESOURCE,
    ),
    (
        "actions that can be limited to resources are",
        f"{ACTION}{INDENT}Resource: {RESOURCE}\n",
        f'{INDENT}Action: sqs:*\n{INDENT}Resource: ^^"*"\n      name: "{{{{ month }}}}"\n',
        OF_RESOURCE,
        "any resource, for actions that could be limited to some: sqs:AddPermission",
    ),
    (
        "a resource is an ARN",
        RESOURCE,
        "^^reports/{{ month }}",
        OF_RESOURCE,
        "Does not have 6 parts",
    ),
)
