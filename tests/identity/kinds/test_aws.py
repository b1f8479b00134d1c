"""AWS: which principal asked STS for the token, and what it said of itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import claims
from tests.identity.kinds.reading import UNFIT, read, refused
from vendor.identity import attributes
from vendor.identity.issuer import Kind

ETL = "arn:aws:iam::111122223333:role/etl"
OWN = {"account": "111122223333", "principal_arn": ETL, "organization_id": "o-abc1234567"}


def test_a_token_yields_its_principal_and_the_tags_that_can_be_attributes() -> None:
    assert read(Kind.AWS, claims.aws()) == {**OWN, "job": "nightly"}
    assert tuple(OWN) == attributes.RULES[Kind.AWS].names


@pytest.mark.parametrize("absent", [{"principal_id": None}, {"request_tags": None}, {"request_tags": {}}])
def test_what_aws_leaves_out_changes_nothing_else(absent: dict[str, Any]) -> None:
    assert OWN.items() <= read(Kind.AWS, claims.aws(**absent)).items()


def test_an_account_of_no_organization_yields_none() -> None:
    assert read(Kind.AWS, claims.aws(org_id=None)).keys() == {"account", "principal_arn", "job"}


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::111122223333:user/ada",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:role/service-role/a+=,.@-_b",
        "arn:aws-us-gov:iam::111122223333:role/etl",
        "arn:aws:sts::111122223333:assumed-role/etl/session",
    ],
)
def test_every_principal_of_iam_is_taken(arn: str) -> None:
    assert read(Kind.AWS, claims.aws(sub=arn, principal_id=arn))["principal_arn"] == arn


@pytest.mark.parametrize(
    "arn",
    [
        "etl",
        "arn:aws:iam::1111:role/etl",
        "arn:aws:iam::111122223333:",
        "arn:aws:iam::111122223333:/etl",
        "arn:aws:iam:eu-west-1:111122223333:role/etl",
        "arn:aws:s3::111122223333:role/etl",
        "arn:evil:iam::111122223333:role/etl",
        " arn:aws:iam::111122223333:role/etl",
        "arn:aws:iam::111122223333:role/etl\n",
        "arn:aws:iam::\uff11\uff11\uff11122223333:role/etl",
    ],
)
def test_a_subject_that_is_no_principals_arn_is_refused(arn: str) -> None:
    assert refused(Kind.AWS, claims.aws(sub=arn, principal_id=None)) == "sub is not the ARN of a principal"


def test_a_subject_that_is_another_principals_is_refused() -> None:
    for other in ("arn:aws:iam::111122223333:role/admin", "arn:aws:iam::111122223333:role/ETL"):
        assert refused(Kind.AWS, claims.aws(principal_id=other)) == "sub is not the ARN of the principal"


def test_an_account_that_is_not_the_arns_is_refused() -> None:
    assert refused(Kind.AWS, claims.aws(aws_account="444455556666")) == "account is not that of the principal's ARN"


def test_an_account_that_is_not_said_is_the_arns() -> None:
    assert read(Kind.AWS, claims.aws(aws_account=None))["account"] == "111122223333"


@pytest.mark.parametrize("inner", [None, "x", [], 1])
def test_a_token_without_the_claims_of_aws_is_refused(inner: Any) -> None:
    assert refused(Kind.AWS, claims.aws(**{claims.NAMESPACE: inner})) == (
        f"the claims of {claims.NAMESPACE} are missing"
    )


@pytest.mark.parametrize("value", UNFIT)
@pytest.mark.parametrize(
    ("claim", "name"), [("aws_account", "account"), ("principal_id", "principal_arn"), ("org_id", "organization_id")]
)
def test_t15_t16_a_claim_that_is_no_printable_ascii_text_is_refused_by_name(claim: str, name: str, value: Any) -> None:
    assert refused(Kind.AWS, claims.aws(**{claim: value})) == f"the claim behind {name} is not printable ASCII text"


@pytest.mark.parametrize("value", UNFIT)
def test_t15_t16_a_tag_that_is_no_printable_ascii_text_is_refused(value: Any) -> None:
    told = "the request tag job is not printable ASCII text"
    assert refused(Kind.AWS, claims.aws(request_tags={"job": value})) == told


@pytest.mark.parametrize("tags", ["job", ["job"], 1, True])
def test_tags_that_are_no_object_are_refused(tags: Any) -> None:
    assert refused(Kind.AWS, claims.aws(request_tags=tags)) == "request_tags is no object"


@pytest.mark.parametrize(
    "key", ["job-id", "Job", "1job", "_job", "", "j" * 64, "job\n", "\u0458ob", "a.b", "__class__"]
)
def test_a_tag_whose_key_no_configuration_can_name_is_passed_over(key: str) -> None:
    assert read(Kind.AWS, claims.aws(request_tags={key: "x"})) == OWN
    assert read(Kind.AWS, claims.aws(request_tags={key: 1})) == OWN


def test_a_tag_takes_the_place_of_nothing_that_somebody_else_said() -> None:
    liar = dict.fromkeys(("account", "principal_arn", "organization_id", "issuer", "subject", "team"), "liar")
    team = (("team", (claims.NAMESPACE, "principal_tags", "team")),)
    assert read(Kind.AWS, claims.aws(request_tags=liar), extra_attributes=team) == {**OWN, "team": "data"}


def test_a_tag_does_not_stand_in_for_what_is_missing() -> None:
    liar = {"organization_id": "o-liar", "team": "liar"}
    team = (("team", (claims.NAMESPACE, "principal_tags", "team")),)
    token = claims.aws(request_tags=liar, org_id=None, principal_tags={})
    assert read(Kind.AWS, token, extra_attributes=team).keys() == {"account", "principal_arn"}
