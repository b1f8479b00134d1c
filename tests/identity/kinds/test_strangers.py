"""Strangers: which issuers give tokens to anybody, and what in those tokens is an owner's name (T14)."""

from __future__ import annotations

import pytest

from vendor.identity import attributes
from vendor.identity.issuer import Kind
from vendor.identity.kinds.strangers import GITHUB, GITLAB, Owners, known

KINDS = sorted(attributes.RULES)


@pytest.mark.parametrize(
    "url",
    [
        "https://token.actions.githubusercontent.com",
        "https://token.actions.githubusercontent.com/",
        "https://gitlab.com",
        "https://GitLab.com",
        "https://accounts.google.com",
        "accounts.google.com",
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/organizations/v2.0",
        "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        "https://app.terraform.io",
        "https://agent.buildkite.com",
        "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc",
        "https://oidc.circleci.com/org/1",
    ],
)
def test_an_issuer_that_anybody_gets_tokens_of_is_known(url: str) -> None:
    assert known(url) is not None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https://oidc.example.com",
        "https://gitlab.example.com",
        "https://gitlab.com.example.com",
        "https://example.com/gitlab.com",
        "https://login.microsoftonline.com/5f1cf0a5-1111-2222-3333-444455556666/v2.0",
        "https://login.microsoftonline.com",
        "https://sts.windows.net/common/",
    ],
)
def test_an_issuer_of_ones_own_is_not(url: str) -> None:
    assert known(url) is None


def test_every_kind_knows_the_issuers_of_strangers_and_github_has_no_other() -> None:
    assert {kind for kind in KINDS if attributes.RULES[kind].strangers("https://gitlab.com") is None} == set()
    assert {kind for kind in KINDS if attributes.RULES[kind].strangers("https://oidc.example.com")} == {Kind.GITHUB}


@pytest.mark.parametrize(
    ("owners", "text", "named"),
    [
        (GITHUB, "repo:acme/site:ref:refs/heads/main", True),
        (GITHUB, "repo:acme@65/site@74:ref:*", True),
        (GITHUB, "repo:acme/*:*", True),
        (GITHUB, "repository_owner:acme:*", True),
        (GITHUB, "repository_owner_id:65*", False),
        (GITHUB, "repo:acme*/site:*", False),
        (GITHUB, "repo:*/site:*", False),
        (GITHUB, "*:acme/site:*", False),
        (GITHUB, "repo*:acme/site:pull_request", False),
        (GITHUB, "environment:production", False),
        (GITHUB, "ref:refs/heads/main:repo:acme/site", False),
        (GITHUB, "Repo:acme/site:pull_request", False),
        (GITLAB, "project_path:acme/*:ref_type:branch:ref:main", True),
        (GITLAB, "project_path:ac*/site:ref_type:branch:ref:main", False),
        (GITLAB, "user:acme", False),
        (Owners(), "1234", True),
        (Owners(), "12*", False),
        (Owners(), "org/acme/*", True),
        (Owners(), "org/acme*", False),
        (Owners(), "org/*/acme", False),
        (Owners(), "organization:acme:pipeline:*", True),
    ],
)
def test_a_subject_names_an_owner_up_to_the_end_of_the_name(owners: Owners, text: str, named: bool) -> None:  # noqa: FBT001 - a table
    assert owners.names_by_subject(text) is named


@pytest.mark.parametrize(
    ("claim", "text", "named"),
    [
        ("repository", "acme/site", True),
        ("repository", "acme/*", True),
        ("repository", "acme*/site", False),
        ("repository", "acme*", False),
        ("repository_owner", "acme", True),
        ("repository_owner", "acme*", False),
        ("repository_owner", "acme/*", False),
        ("repository_id", "74", True),
        ("repository_id", "7*", False),
        ("workflow_ref", "acme/site/.github/workflows/*@refs/heads/main", True),
        ("job_workflow_ref", "acme/site/.github/workflows/a.yml@refs/heads/main", False),
        ("ref", "refs/heads/main", False),
        ("sub", "acme", False),
    ],
)
def test_a_claim_names_an_owner_whole_or_before_its_first_slash(claim: str, text: str, named: bool) -> None:  # noqa: FBT001 - a table
    assert GITHUB.names_by_claim(claim, text) is named
