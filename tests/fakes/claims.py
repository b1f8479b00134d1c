"""Claims as the real providers write them, one honest sample for each kind of issuer, with what a test changes."""

from __future__ import annotations

from typing import Any

ISSUED = 1_772_366_400
NAMESPACE = "https://sts.amazonaws.com/"
POOL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab129faBb"
TIMES = {"iat": ISSUED, "nbf": ISSUED - 300, "exp": ISSUED + 300}


def _changed(sample: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**sample, **changes}.items() if value is not None}


def github(**changes: Any) -> dict[str, Any]:
    """Return what GitHub Actions says of a job of acme/site; None leaves a claim out."""
    return _changed(
        {
            "iss": "https://token.actions.githubusercontent.com",
            "aud": "vendor",
            "sub": "repo:acme/site:environment:production",
            "jti": "8b2b2b3e-5b0c-4c7e-9c4d-2f9d7c6d2a11",
            **TIMES,
            "actor": "ada",
            "actor_id": "12",
            "base_ref": "",
            "check_run_id": "96193868770",
            "environment": "production",
            "event_name": "push",
            "head_ref": "",
            "job_workflow_ref": "acme/workflows/.github/workflows/deploy.yml@refs/heads/main",
            "job_workflow_sha": "b8962f4eaff8e14fc646cb22c596c81e67d71362",
            "ref": "refs/heads/main",
            "ref_protected": "true",
            "ref_type": "branch",
            "repository": "acme/site",
            "repository_id": "74",
            "repository_owner": "acme",
            "repository_owner_id": "65",
            "repository_visibility": "private",
            "run_attempt": "1",
            "run_id": "32291736541",
            "run_number": "10",
            "runner_environment": "github-hosted",
            "sha": "b8962f4eaff8e14fc646cb22c596c81e67d71362",
            "workflow": "Deploy the site",
            "workflow_ref": "acme/site/.github/workflows/site.yml@refs/heads/main",
            "workflow_sha": "b8962f4eaff8e14fc646cb22c596c81e67d71362",
        },
        changes,
    )


def gitlab(**changes: Any) -> dict[str, Any]:
    """Return what GitLab says of a job of acme/web/site; None leaves a claim out."""
    return _changed(
        {
            "iss": "https://gitlab.com",
            "aud": "vendor",
            "sub": "project_path:acme/web/site:ref_type:branch:ref:main",
            "jti": "235b3a54-b797-45c7-ae9a-f72d7bc6ef5b",
            **TIMES,
            "ci_config_ref_uri": "gitlab.com/acme/web/site//.gitlab-ci.yml@refs/heads/main",
            "environment": "production",
            "environment_protected": "true",
            "job_id": "302",
            "namespace_id": "72",
            "namespace_path": "acme/web",
            "pipeline_id": "574",
            "pipeline_source": "push",
            "project_id": "22",
            "project_path": "acme/web/site",
            "project_visibility": "private",
            "ref": "main",
            "ref_path": "refs/heads/main",
            "ref_protected": "true",
            "ref_type": "branch",
            "runner_environment": "gitlab-hosted",
            "runner_id": 1,
            "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
            "user_id": "1",
            "user_identities": [{"provider": "github", "extern_uid": "2435223452345"}],
            "user_login": "ada",
        },
        changes,
    )


def spiffe(**changes: Any) -> dict[str, Any]:
    """Return what SPIRE says of a workload; None leaves a claim out."""
    return _changed(
        {
            "iss": "https://oidc.example.org",
            "aud": ["vendor"],
            "sub": "spiffe://example.org/ns/payments/sa/api",
            "iat": ISSUED,
            "exp": ISSUED + 300,
        },
        changes,
    )


def cognito_id(**changes: Any) -> dict[str, Any]:
    """Return a user pool's ID token of a user; None leaves a claim out."""
    return _changed(
        {
            "iss": POOL,
            "aud": "1example23456789",
            "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            "token_use": "id",
            "iat": ISSUED,
            "exp": ISSUED + 3600,
            "auth_time": ISSUED,
            "cognito:groups": ["readers", "writers"],
            "cognito:username": "ada",
            "email": "ada@example.com",
            "email_verified": True,
            "jti": "d4a0b1c2-1111-2222-3333-444455556666",
        },
        changes,
    )


def cognito_access(**changes: Any) -> dict[str, Any]:
    """Return a user pool's access token of a user; None leaves a claim out."""
    return _changed(
        {
            "iss": POOL,
            "client_id": "1example23456789",
            "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            "token_use": "access",
            "iat": ISSUED,
            "exp": ISSUED + 3600,
            "auth_time": ISSUED,
            "cognito:groups": ["readers", "writers"],
            "jti": "d4a0b1c2-1111-2222-3333-444455557777",
            "scope": "openid reports/read",
            "username": "ada",
            "version": 2,
        },
        changes,
    )


def cognito_machine(**changes: Any) -> dict[str, Any]:
    """Return a user pool's access token of a client that acts for itself: it has no user, and is its own subject."""
    gone = {"username": None, "cognito:groups": None, "sub": "1example23456789", "scope": "reports/read"}
    return cognito_access(**{**gone, **changes})


def aws(**changes: Any) -> dict[str, Any]:
    """Return what STS GetWebIdentityToken says of a role.

    The names that AWS puts into its own claim change that one; None leaves a claim out.
    """
    inner = {
        "aws_account": "111122223333",
        "source_region": "eu-west-1",
        "org_id": "o-abc1234567",
        "ou_path": "o-abc1234567/r-ab12/ou-ab12-11111111/",
        "principal_tags": {"team": "data"},
        "principal_id": "arn:aws:iam::111122223333:role/etl",
        "request_tags": {"job": "nightly", "job-id": "2026-03"},
    }
    outer = {
        "iss": "https://abc123-def456-ghi789.tokens.sts.global.api.aws",
        "aud": "vendor",
        "sub": "arn:aws:iam::111122223333:role/etl",
        "iat": ISSUED,
        "exp": ISSUED + 900,
        "jti": "xyz123-def456-ghi789",
    }
    own = {name: value for name, value in changes.items() if name in inner}
    rest = {name: value for name, value in changes.items() if name not in inner}
    return _changed({**outer, NAMESPACE: _changed(inner, own)}, rest)
