"""The paths of the public listener."""

from __future__ import annotations

from typing import Any, Final

from vendor.refusals import Code
from vendor.server.openapi import answers
from vendor.server.openapi.bodies import DURATION
from vendor.server.openapi.paths import SCOPE, answered, document, operation, said
from vendor.server.openapi.schema import TEXT, TEXT_OF, ref
from vendor.server.sts_parameters import VERSION

_ASKING: Final = (*answers.TOKEN, Code.RATE_LIMITED, Code.OVERLOADED)
_LENDING: Final = (
    *_ASKING,
    Code.SCOPE_REQUIRED,
    Code.ACCESS_DENIED,
    Code.VALUE_NOT_ALLOWED,
    Code.REVOKED,
    Code.POLICY_TOO_LARGE,
    Code.ROLE_REFUSED,
    Code.STS_THROTTLED,
    Code.STS_UNAVAILABLE,
    Code.AUDIT_UNAVAILABLE,
)
_NARROWED: Final = [
    said("duration_seconds", "In whole seconds.", DURATION),
    {
        "name": "parameters",
        "in": "query",
        "description": "Each parameter of the scope is a member of the query by its own name.",
        "style": "form",
        "explode": True,
        "schema": TEXT_OF,
    },
]
_CONTAINER: Final = "Credentials, as every AWS SDK asks for them"
_SECONDS: Final = {"type": "string", "pattern": "^[0-9]{1,6}$"}
_FORM: Final = {
    "type": "object",
    "properties": {
        "Action": {"enum": ["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML", "GetCallerIdentity"]},
        "Version": {"const": VERSION},
        "RoleArn": {
            "type": "string",
            "description": "A role of which the caller may have one scope, or arn:aws:iam::000000000000:role/{scope}.",
        },
        "RoleSessionName": {**TEXT, "description": "Taken and not used: the scope names the session."},
        "WebIdentityToken": {**TEXT, "description": "The workload's JWT."},
        "DurationSeconds": {**_SECONDS, "description": "Lowered to what the scope gives."},
        "PrincipalArn": {**TEXT, "description": "With an assertion: the provider."},
        "SAMLAssertion": {**TEXT, "description": "With an assertion, whose JWT stands in the header."},
    },
    "required": ["Action", "Version"],
}


def paths(*, sts_get: bool) -> dict[str, Any]:
    """Return what is answered; with `sts_get` STS by GET too."""
    sts = {"post": _sts(), **({"get": _sts_by_query()} if sts_get else {})}
    return {
        "/v1/credentials": {"get": _container("the one scope that the caller may have")},
        "/v1/credentials/{scope}": {
            "parameters": [SCOPE],
            "get": _container("a scope"),
            "post": operation(
                "Credentials and when to come again; or a token that AWS signed",
                answer={
                    "200": answers.good(
                        {"anyOf": [ref("JsonCredentials"), ref("SignedToken")]}, "Lent until `Expiration`."
                    )
                },
                refusals=_LENDING,
                body="Wish",
            ),
        },
        "/v1/console/{scope}": {
            "parameters": [SCOPE],
            "post": operation(
                "A link that opens the AWS console",
                answer=answered("SignIn", "Whoever has the link is signed in."),
                refusals=_LENDING,
                body="Wish",
            ),
        },
        "/v1/scopes": {
            "get": operation("What the caller may have", answer=answered("Scopes", "Its scopes."), refusals=_ASKING)
        },
        "/v1/explain": {
            "post": operation(
                "What would be decided for the caller, and why",
                answer=answered("Explanation", "The decision; no credentials."),
                refusals=_ASKING,
                body="Question",
            )
        },
        "/": sts,
        "/sts": sts,
        "/sts/": sts,
        "/openapi.json": {
            "get": operation("This document", answer=document(), refusals=(Code.OVERLOADED,), token=False)
        },
    }


def _container(whose: str) -> dict[str, Any]:
    return operation(
        f"{_CONTAINER}, of {whose}",
        answer=answered("Credentials", "Lent until `Expiration`."),
        refusals=_LENDING,
        parameters=_NARROWED,
    )


def _sts() -> dict[str, Any]:
    return {
        "summary": "AWS STS as its SDKs speak it",
        "description": "Parameters stand in the form or in the query. GetCallerIdentity is signed with what was "
        "lent here (Signature Version 4).",
        "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": _FORM}}},
        "responses": answers.in_xml(lent="As AWS STS answers."),
        "security": [],
    }


def _sts_by_query() -> dict[str, Any]:
    query: dict[str, Any] = {"name": "parameters", "in": "query", "style": "form", "explode": True, "schema": _FORM}
    told = {name: part for name, part in _sts().items() if name != "requestBody"}
    return {**told, "parameters": [query]}
