"""Breadth: what `vendor check` lets through lets nobody else in (T14), and lets those in who were meant."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.config.rules.breadth import GITHUB
from tests.config.sound import changed, found
from tests.fakes import claims
from tests.identity import made
from vendor.config import shape
from vendor.config.document import Document
from vendor.config.grants import grant
from vendor.identity import attributes
from vendor.identity.issuer import Kind
from vendor.identity.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vendor.identity.issuer import Issuer
    from vendor.policy.grant import Grant

TERRAFORM = {
    "iss": "https://app.terraform.io",
    "sub": "organization:acme:project:web:workspace:site:run_phase:apply",
    "terraform_organization_id": "org-1",
    "terraform_run_phase": "apply",
}
EXTRA = (("organization", ("terraform_organization_id",)), ("phase", ("terraform_run_phase",)))
SAMPLES: dict[Kind, Callable[..., dict[str, Any]]] = {
    Kind.GITHUB: claims.github,
    Kind.GITLAB: claims.gitlab,
    Kind.SPIFFE: claims.spiffe,
    Kind.COGNITO: claims.cognito_id,
    Kind.AWS: claims.aws,
    Kind.GENERIC: lambda: TERRAFORM,
}


def issuer(kind: Kind, **changes: Any) -> Issuer:
    """Return the issuer of a kind's sample."""
    extra = EXTRA if kind is Kind.GENERIC else ()
    return made.issuer(**{"kind": kind, "url": SAMPLES[kind]()["iss"], "extra_attributes": extra, **changes})


def checked(of: Issuer, where: dict[str, Any]) -> tuple[Grant | None, list[str]]:
    """Return the grant that a `where` becomes, and what is found."""
    document = Document("vendor.yaml")
    said = shape.Grant(issuer=of.name, where=where)
    return grant(document, ("grants", 0), said, {of.name: of}), [one.message for one in document.findings]


def principal(of: Issuer, said: dict[str, Any]) -> Principal:
    """Return who claims name."""
    return Principal(
        issuer=of.name,
        issuer_url=of.url,
        subject=said["sub"],
        attributes=attributes.read(of, said["sub"], said),
        token_expires=datetime(2026, 3, 1, tzinfo=UTC),
        token_sha256="",
    )


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        (Kind.GITHUB, {"repository": "acme/site"}),
        (Kind.GITHUB, {"repository": {"glob": "acme/*"}, "ref": "refs/heads/main"}),
        (Kind.GITHUB, {"repository": ["acme/other", {"glob": "acme/si*"}]}),
        (Kind.GITHUB, {"repository_owner": "acme", "environment": "production"}),
        (Kind.GITHUB, {"repository_id": "74", "ref": {"glob": "refs/heads/*"}}),
        (Kind.GITHUB, {"repository_owner_id": ["64", "65"], "job_workflow_ref": {"present": True}}),
        (Kind.GITHUB, {"workflow_ref": {"glob": "acme/*/.github/workflows/site.yml@refs/heads/main"}}),
        (Kind.GITHUB, {"subject": "repo:acme/site:environment:production"}),
        (Kind.GITHUB, {"subject": {"glob": "repo:acme/*:environment:production"}}),
        (Kind.GITHUB, {"subject": {"glob": "repo:acme/site:environment:*"}, "event_name": ["push", "release"]}),
        (Kind.GITLAB, {"project_path": {"glob": "acme/*/site"}, "ref_protected": "true"}),
        (Kind.GITLAB, {"namespace_path": {"glob": "acme/*"}}),
        (Kind.GITLAB, {"namespace_path": "acme/web"}),
        (Kind.GITLAB, {"project_id": "22", "ref": "main"}),
        (Kind.GITLAB, {"subject": {"glob": "project_path:acme/web/site:ref_type:branch:ref:*"}}),
        (Kind.GENERIC, {"organization": "org-1"}),
        (Kind.GENERIC, {"subject": {"glob": "organization:acme:project:*:workspace:*:run_phase:apply"}}),
        (Kind.GENERIC, {"subject": TERRAFORM["sub"], "phase": "apply"}),
        (Kind.SPIFFE, {"subject": {"glob": "spiffe://example.org/ns/*/sa/api"}}),
        (Kind.SPIFFE, {"trust_domain": "example.org", "path": {"glob": "/ns/payments/sa/*"}}),
        (Kind.COGNITO, {"groups": {"contains": "readers"}}),
        (Kind.COGNITO, {"groups": [{"contains": "owners"}, {"contains": "writers"}], "username": {"present": True}}),
        (Kind.AWS, {"account": "111122223333"}),
        (Kind.AWS, {"principal_arn": {"glob": "arn:aws:iam::111122223333:role/*"}, "organization_id": "o-abc1234567"}),
    ],
)
def test_a_grant_that_pins_somebody_is_taken_and_lets_the_sample_in(kind: Kind, where: dict[str, Any]) -> None:
    of = issuer(kind)
    grant, found = checked(of, where)
    assert found == []
    assert grant is not None
    assert grant.failed(principal(of, SAMPLES[kind]())) is None


@pytest.mark.parametrize(
    "url", ["https://gitlab.example.com", "https://gitlab.com.example.com", "https://example.com/gitlab.com"]
)
def test_a_gitlab_of_ones_own_has_no_strangers(url: str) -> None:
    assert checked(issuer(Kind.GITLAB, url=url), {"ref": "main"})[1] == []


@pytest.mark.parametrize("url", ["https://github.example.com/_services/token", "https://token.actions.acme.ghe.com"])
def test_on_a_github_of_ones_own_anybody_still_has_repositories(url: str) -> None:
    assert checked(issuer(Kind.GITHUB, url=url), {"ref": "refs/heads/main"})[0] is None


def test_a_request_tag_beside_a_principal_is_taken_with_a_warning() -> None:
    of = issuer(Kind.AWS)
    grant, found = checked(of, {"account": "111122223333", "job": "nightly"})
    assert found == ["job is taken for a request tag, which its sender chose"]
    assert grant is not None
    assert grant.failed(principal(of, claims.aws())) is None
    assert grant.failed(principal(of, claims.aws(request_tags={"job": "other"}))) == "job"


def test_a_request_tag_is_text_like_any_other() -> None:
    assert "job is text: put the number in quotes" in checked(issuer(Kind.AWS), {"account": "1", "job": 5})[1]


def test_of_an_extra_attribute_no_type_is_known() -> None:
    assert (
        checked(issuer(Kind.GENERIC, url="https://sso.example.com"), {"phase": {"contains": "a"}, "organization": 5})[1]
        == []
    )


# What a stranger may have who wants to pass for acme: all that is not acme's own name or number.
OWNERS = ["acme-evil", "acme.evil", "acm", "evil", "Acme", "ACME", "acme_", "xacme", "a", "site", "evil-acme"]
ACME = {
    Kind.GITHUB: ["repo:acme/site:ref:refs/heads/main", "environment:production", "repository_owner:acme"],
    Kind.GITLAB: ["project_path:acme/web/site:ref_type:branch:ref:main", "ref:main"],
}


def _strangers(kind: Kind, owner: str, subject: str) -> dict[str, Any]:
    """Return the claims of a stranger who called everything else as acme does."""
    if kind is Kind.GITHUB:
        own = subject.replace("acme", owner)
        workflow = claims.github()["workflow_ref"].replace("acme", owner)
        ids = {"repository_id": "75", "repository_owner_id": "66"}
        return claims.github(sub=own, repository=f"{owner}/site", repository_owner=owner, workflow_ref=workflow, **ids)
    paths = {"project_path": f"{owner}/web/site", "namespace_path": f"{owner}/web"}
    return claims.gitlab(sub=subject.replace("acme", owner), project_id="23", namespace_id="73", **paths)


@st.composite
def _starred(draw: st.DrawFn, text: str) -> dict[str, str]:
    """Draw a glob of a text: some passages of it are stars."""
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=6)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    glob, end = "", 0
    for begins, ends in spans:
        glob, end = f"{glob}{text[end:begins]}*", ends
    glob = (glob + text[end:]).replace("**", "*")
    assume(glob != "*")
    return {"glob": glob}


def _matchers(text: str) -> st.SearchStrategy[Any]:
    one = st.one_of(st.just(text), _starred(text), st.just({"present": True}))
    return st.one_of(one, st.lists(one, min_size=1, max_size=3))


@st.composite
def _wheres(draw: st.DrawFn, kind: Kind) -> dict[str, Any]:
    """Draw a `where` that lets acme's job in, more or less narrowly."""
    texts = {name: SAMPLES[kind]()[name] for name in attributes.RULES[kind].names}
    texts["subject"] = draw(st.sampled_from(ACME[kind]))
    names = draw(st.lists(st.sampled_from(sorted(texts)), min_size=1, max_size=3, unique=True))
    return {name: draw(_matchers(texts[name])) for name in names}


@settings(max_examples=300)
@given(st.data(), st.sampled_from([Kind.GITHUB, Kind.GITLAB]), st.sampled_from(OWNERS))
def test_t14_no_token_of_another_owner_ever_matches_a_grant_that_check_accepts(
    data: st.DataObject, kind: Kind, owner: str
) -> None:
    of = issuer(kind)
    grant, _ = checked(of, data.draw(_wheres(kind)))
    for subject in ACME[kind] if grant is not None else ():
        assert grant is not None
        assert grant.failed(principal(of, _strangers(kind, owner, subject))) is not None


def test_the_samples_are_of_the_issuers_that_strangers_use() -> None:
    assert claims.github()["iss"] == GITHUB
    assert all(attributes.RULES[kind].strangers(SAMPLES[kind]()["iss"]) for kind in ACME)


@pytest.mark.parametrize(("mode", "warns"), [("enforce", False), ("audit", True)])
def test_an_attribute_that_every_grant_demands_can_always_be_filled_in(
    tmp_path: Path, mode: str, *, warns: bool
) -> None:
    text = changed("{{ namespace }}", "{{ pod }}").replace(
        "{namespace: analytics}", "{namespace: a, pod: {glob: 'p-*'}}"
    )
    told = found(tmp_path, text.replace("    target: aws\n", f"    target: aws\n    mode: {mode}\n"))
    assert any("not every token has pod" in str(one) for one in told) is warns
