"""GitHub: whose job it is, as GitHub Actions says it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import claims
from tests.identity.kinds.reading import UNFIT, read, refused
from vendor.identity import attributes
from vendor.identity.issuer import Kind

REQUIRED = ("repository", "repository_id", "repository_owner", "repository_owner_id")


def test_a_job_yields_its_repository_its_ref_and_its_workflow() -> None:
    assert read(Kind.GITHUB, claims.github()) == {
        "repository": "acme/site",
        "repository_id": "74",
        "repository_owner": "acme",
        "repository_owner_id": "65",
        "ref": "refs/heads/main",
        "ref_type": "branch",
        "environment": "production",
        "workflow_ref": "acme/site/.github/workflows/site.yml@refs/heads/main",
        "job_workflow_ref": "acme/workflows/.github/workflows/deploy.yml@refs/heads/main",
        "event_name": "push",
        "actor_id": "12",
        "runner_environment": "github-hosted",
    }


def test_what_reading_yields_is_what_a_configuration_may_ask_for() -> None:
    assert tuple(read(Kind.GITHUB, claims.github())) == attributes.RULES[Kind.GITHUB].names


@pytest.mark.parametrize("name", sorted(attributes.RULES[Kind.GITHUB].optional))
def test_a_job_without_an_environment_or_the_like_yields_less(name: str) -> None:
    found = read(Kind.GITHUB, claims.github(**{name: None}))
    assert name not in found
    assert found["repository"] == "acme/site"


@pytest.mark.parametrize("name", REQUIRED)
def test_a_token_of_an_old_server_that_lacks_a_claim_yields_less_and_may_contradict_itself_in_nothing_else(
    name: str,
) -> None:
    said = claims.github(**{name: None})
    assert set(read(Kind.GITHUB, claims.github())) - set(read(Kind.GITHUB, said)) == {name}
    assert refused(Kind.GITHUB, {**said, "sub": "repo:acme@1/other@2:ref:refs/heads/main"}) == (
        "sub and repository do not agree"
    )


@pytest.mark.parametrize("value", UNFIT)
@pytest.mark.parametrize("name", attributes.RULES[Kind.GITHUB].names)
def test_t15_t16_a_claim_that_is_no_printable_ascii_text_is_refused_by_name(name: str, value: Any) -> None:
    assert refused(Kind.GITHUB, claims.github(**{name: value})).startswith(f"the claim behind {name} is not")


@pytest.mark.parametrize(
    ("repository", "owner"),
    [
        ("acme/site", "acm"),
        ("acme/site", "Acme"),
        ("acme-evil/site", "acme"),
        ("acme/site/x", "acme"),
        ("acme/", "acme"),
        ("/site", "acme"),
        ("acme", "acme"),
        ("evil/acme/site", "evil"),
        ("acme/site", "acme/site"),
    ],
)
def test_a_repository_that_is_not_its_owners_is_refused(repository: str, owner: str) -> None:
    token = claims.github(repository=repository, repository_owner=owner, sub="environment:production")
    assert refused(Kind.GITHUB, token) == "repository is not that of repository_owner"


@pytest.mark.parametrize(
    "subject",
    [
        "repo:acme/site:ref:refs/heads/main",
        "repo:acme/site:pull_request",
        "repo:acme/site:environment:Production%3AV1",
        "repo:acme@65/site@74:ref:refs/heads/main",
        "repo:acme@65/site:ref:refs/heads/main",
        "repo:acme/site",
        "repo:acme/site:context:x:job_workflow_ref:evil/x/.github/workflows/y.yml@refs/heads/main",
        "environment:production",
        "repository_owner:evil",
        "Repo:evil/site:ref:refs/heads/main",
    ],
)
def test_a_subject_that_says_the_same_or_is_put_together_otherwise_is_taken(subject: str) -> None:
    assert read(Kind.GITHUB, claims.github(sub=subject))["repository"] == "acme/site"


@pytest.mark.parametrize(
    "subject",
    [
        "repo:evil/site:ref:refs/heads/main",
        "repo:acme/site-evil:ref:refs/heads/main",
        "repo:Acme/site:ref:refs/heads/main",
        "repo:acme@66/site@74:ref:refs/heads/main",
        "repo:acme@65/site@75:ref:refs/heads/main",
        "repo:acme@65@65/site:ref:refs/heads/main",
        "repo:acme/site/x:ref:refs/heads/main",
        "repo:acme:site",
        "repo:acme/:site",
        "repo:",
    ],
)
def test_a_subject_that_names_another_repository_is_refused(subject: str) -> None:
    assert refused(Kind.GITHUB, claims.github(sub=subject)) == "sub and repository do not agree"


def test_a_token_of_an_enterprise_server_is_read_alike() -> None:
    token = claims.github(iss="https://github.example.com/_services/token")
    assert read(Kind.GITHUB, token) == read(Kind.GITHUB, claims.github())
