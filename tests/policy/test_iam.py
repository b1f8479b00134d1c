"""The evaluator that the other tests ask, against what IAM's documents say of wildcards, variables and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policy.iam import allows

CONTEXT = {"aws:username": "a*b", "s3:prefix": "home/ada", "aws:SourceArn": "arn:aws:sns:eu-west-1:111122223333:t:x"}
MATCHES: list[tuple[str, str, bool]] = [
    ("arn:aws:s3:::a", "arn:aws:s3:::a", True),
    ("arn:aws:s3:::a", "arn:aws:s3:::A", False),
    ("arn:aws:s3:::a*", "arn:aws:s3:::a", True),
    ("arn:aws:s3:::a*", "arn:aws:s3:::a/b:c/d", True),
    ("arn:aws:s3:::*/c", "arn:aws:s3:::a/b/c", True),
    ("arn:aws:s3:::*/c", "arn:aws:s3:::c", False),
    ("arn:aws:sqs:*:1:q", "arn:aws:sqs:x:y:1:q", True),
    ("a?c", "abc", True),
    ("a?c", "a/c", True),
    ("a?c", "ac", False),
    ("a?c", "abbc", False),
    ("*a*a", "a", False),
    ("*a*a", "aba", True),
    ("*", "", True),
    ("**", "x", True),
    ("x/${aws:username}", "x/a*b", True),
    ("x/${aws:username}", "x/aXb", False),
    ("x/${*}${?}${$}", "x/*?$", True),
    ("x/${*}", "x/y", False),
    ("x/${aws:PrincipalTag/team}", "x/", False),
    ("x/${aws:PrincipalTag/team, 'all'}", "x/all", True),
    ("x/${", "x/${", True),
]
CONDITIONS: list[tuple[dict[str, Any], bool]] = [
    ({"StringEquals": {"s3:prefix": "home/ada"}}, True),
    ({"StringEquals": {"s3:prefix": ["x", "home/ada"]}}, True),
    ({"StringEquals": {"s3:prefix": "home/*"}}, False),
    ({"StringLike": {"s3:prefix": "home/*"}}, True),
    ({"StringLike": {"s3:prefix": "home/*", "aws:none": "*"}}, False),
    ({"StringLike": {"s3:prefix": "home/*"}, "StringEquals": {"s3:prefix": "x"}}, False),
    ({"StringLikeIfExists": {"aws:none": "x"}}, True),
    ({"StringLikeIfExists": {"s3:prefix": "x"}}, False),
    ({"StringLike": {"aws:none": "*"}}, False),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111122223333:t:*"}}, True),
    ({"ArnEquals": {"aws:SourceArn": "arn:aws:sns:*:111122223333:*"}}, True),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:t:x"}}, False),
    ({"ArnLike": {"aws:SourceArn": "arn:*"}}, False),
]


def policy(**changes: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **changes}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(("pattern", "resource", "expected"), MATCHES)
def test_a_resource_is_matched_as_iam_matches_it(pattern: str, resource: str, expected: bool) -> None:  # noqa: FBT001
    assert allows(policy(Resource=["never", pattern]), "s3:GetObject", resource, CONTEXT) is expected
    excepted = policy()
    del excepted["Statement"][0]["Resource"]
    excepted["Statement"][0]["NotResource"] = pattern
    assert allows(excepted, "s3:GetObject", resource, CONTEXT) is not expected


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
def test_a_condition_is_judged_as_iam_judges_it(condition: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    assert allows(policy(Condition=condition), "s3:GetObject", "x", CONTEXT) is expected


def test_an_action_is_compared_in_any_case_and_a_denial_wins() -> None:
    assert allows(policy(Action="S3:get*"), "s3:GetObject", "x", CONTEXT)
    assert not allows(policy(Action="s3:Put*"), "s3:GetObject", "x", CONTEXT)
    both = policy()
    both["Statement"].append({"Effect": "Deny", "Action": "*", "Resource": "x*"})
    assert allows(both, "s3:GetObject", "y", CONTEXT)
    assert not allows(both, "s3:GetObject", "x", CONTEXT)


def test_an_operator_that_it_does_not_know_is_no_answer() -> None:
    with pytest.raises(NotImplementedError):
        allows(policy(Condition={"NumericEquals": {"s3:prefix": "1"}}), "s3:GetObject", "x", CONTEXT)
