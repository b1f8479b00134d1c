"""Meanings of codes about what an IAM linter says of session policies."""

from __future__ import annotations

from typing import Final

from vendor.config.codes import Code
from vendor.config.meanings.meaning import Meaning

LINTED: Final = {
    Code.UNKNOWN_ACTION: Meaning(
        "an action that AWS does not have",
        why="IAM takes it all the same, and it allows or denies nothing.",
        mend="Correct the name; leave it if the action is newer than the linter.",
    ),
    Code.UNKNOWN_CONDITION: Meaning(
        "a condition key that an action does not know",
        why="The key is missing from such requests, so that the statement never applies, or always where it negates.",
        mend="Correct the key, or put the action into a statement of its own.",
    ),
    Code.UNKNOWN_OPERATOR: Meaning(
        "a condition operator that IAM does not have",
        why="AWS refuses the policy, and with it every exchange.",
        mend="Correct it: operators are such as `StringEquals`, `StringLike` and `ArnLike`.",
    ),
    Code.CONDITION_TYPE: Meaning(
        "a condition that compares values of two types",
        why="It never holds, or always where it negates.",
        mend='Use an operator and a value of the key\'s type; `Null` and `Bool` take `"true"` and `"false"`.',
    ),
    Code.MFA_CONDITION: Meaning(
        "a condition on MFA that does not demand it",
        why="The key is missing from requests of sessions without MFA, so that a comparison with `false` fails too.",
        mend="Deny with `BoolIfExists`, or allow with `Bool` and `true`.",
    ),
    Code.RESOURCE_MISMATCH: Meaning(
        "an action on resources that it is not about",
        why="The statement does not apply to the action, whatever it seems to say.",
        mend="Write a resource of the kind that is told: a bucket's ARN has no `/`, that of its objects has.",
    ),
    Code.RESOURCE_STAR: Meaning(
        "any resource, where the actions could be limited to some",
        why="The session can do it to everything that its role can.",
        mend="Name the resources, with places for what is the caller's own.",
    ),
    Code.RESOURCE_ARN: Meaning(
        "a resource that is no ARN",
        why="It matches nothing, or AWS refuses the policy.",
        mend="Write `arn:partition:service:region:account:resource`, with `*` or nothing where a part does not matter.",
    ),
}
