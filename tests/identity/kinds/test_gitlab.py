"""GitLab: whose job it is, as GitLab CI/CD says it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import claims
from tests.identity.kinds.reading import UNFIT, read, refused
from vendor.identity import attributes
from vendor.identity.issuer import Kind

NAMES = attributes.RULES[Kind.GITLAB].names


def test_a_job_yields_its_project_its_namespace_and_its_ref() -> None:
    assert read(Kind.GITLAB, claims.gitlab()) == {
        "project_path": "acme/web/site",
        "project_id": "22",
        "namespace_path": "acme/web",
        "namespace_id": "72",
        "ref": "main",
        "ref_type": "branch",
        "ref_protected": "true",
        "environment": "production",
        "pipeline_source": "push",
    }


def test_what_reading_yields_is_what_a_configuration_may_ask_for() -> None:
    assert tuple(read(Kind.GITLAB, claims.gitlab())) == NAMES


def test_a_job_without_an_environment_yields_none() -> None:
    assert set(NAMES) - set(read(Kind.GITLAB, claims.gitlab(environment=None))) == {"environment"}


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"environment"}))
def test_a_token_of_an_old_instance_that_lacks_a_claim_yields_less(name: str) -> None:
    assert set(NAMES) - set(read(Kind.GITLAB, claims.gitlab(**{name: None}))) == {name}


@pytest.mark.parametrize("value", UNFIT)
@pytest.mark.parametrize("name", NAMES)
def test_t15_t16_a_claim_that_is_no_printable_ascii_text_is_refused_by_name(name: str, value: Any) -> None:
    assert refused(Kind.GITLAB, claims.gitlab(**{name: value})).startswith(f"the claim behind {name} is not")


@pytest.mark.parametrize(
    ("project", "namespace"),
    [
        ("acme/web/site", "acme/we"),
        ("acme/web/site", "Acme"),
        ("acme-evil/site", "acme"),
        ("acme", "acme"),
        ("acme/", "acme"),
        ("/site", "acme"),
        ("site", "acme"),
        ("acme/site", "acme/site"),
    ],
)
def test_a_project_that_is_not_below_its_namespace_is_refused(project: str, namespace: str) -> None:
    token = claims.gitlab(project_path=project, namespace_path=namespace, sub="x")
    assert refused(Kind.GITLAB, token) == "project_path is not below namespace_path"


@pytest.mark.parametrize("namespace", ["acme", "acme/web"])
def test_a_project_below_its_namespace_is_taken(namespace: str) -> None:
    assert read(Kind.GITLAB, claims.gitlab(namespace_path=namespace))["namespace_path"] == namespace


@pytest.mark.parametrize(
    ("subject", "taken"),
    [
        ("project_path:acme/web/site:ref_type:tag:ref:v1", True),
        ("project_path:acme/web/site", True),
        ("job_2758", True),
        ("project_path:acme/web/sites:ref_type:branch:ref:main", False),
        ("project_path:evil/site:ref_type:branch:ref:main", False),
        ("project_path:", False),
    ],
)
def test_a_subject_that_names_another_project_is_refused(subject: str, taken: bool) -> None:  # noqa: FBT001 - a table
    token = claims.gitlab(sub=subject)
    if taken:
        assert read(Kind.GITLAB, token)["project_path"] == "acme/web/site"
    else:
        assert refused(Kind.GITLAB, token) == "sub and project_path do not agree"
