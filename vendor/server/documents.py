"""The documents that are written in JSON: credentials, and refusals as every door but that of STS writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from vendor.policy.session import Action
from vendor.server import errors
from vendor.server.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from vendor.leases.lease import Lease
    from vendor.refusals import Refusal


def write_refusal(refusal: Refusal, request_id: str, more: Mapping[str, str] | None = None) -> Answer:
    """Return the answer of a refusal: its public text only."""
    body = errors.body(refusal.code, refusal.public, request_id)
    return Answer(errors.STATUS[refusal.code], body, request_id, {**errors.headers(refusal), **(more or {})})


def write_defect(request_id: str) -> Answer:
    """Return the answer to a defect of ours, which says nothing but where to look."""
    body = errors.body("internal_error", errors.DEFECT, request_id)
    return Answer(500, body, request_id)


def credentials_document(lease: Lease) -> dict[str, str]:
    """Return the container credentials document that all SDKs read: strings only, times with `Z`.

    Account and role are left out where AWS does not say whose credentials these are.
    """
    credentials = lease.credentials
    known = {"AccountId": credentials.account_id, "RoleArn": credentials.role_arn}
    return {
        "Code": "Success",
        "Type": "AWS-HMAC",
        "LastUpdated": timestamp(lease.minted),
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.reveal(),
        "Token": credentials.session_token.reveal(),
        "Expiration": timestamp(credentials.expiration),
        **{name: value for name, value in known.items() if value},
    }


def twin_document(lease: Lease) -> dict[str, str]:
    """Return the JSON door's document: the same and what helps a client that knows this service.

    A token that AWS signed comes in a document of its own type, in which no SDK could find credentials.
    """
    return {
        **(_token_document if lease.session.action is Action.IDENTITY_TOKEN else credentials_document)(lease),
        "RefreshAfter": timestamp(lease.refresh_after),
        "Scope": lease.session.scope,
        "SessionName": lease.session.session_name,
    }


def console_document(lease: Lease, link: str) -> dict[str, str]:
    """Return the console door's document."""
    return {"Url": link, "Expiration": timestamp(lease.credentials.expiration), "Scope": lease.session.scope}


def _token_document(lease: Lease) -> dict[str, str]:
    credentials = lease.credentials
    return {
        "Code": "Success",
        "Type": "JWT",
        "LastUpdated": timestamp(lease.minted),
        "Token": credentials.session_token.reveal(),
        "Expiration": timestamp(credentials.expiration),
    }


def dump(document: Any) -> bytes:
    """Return a document as JSON bytes."""
    return json.dumps(document, separators=(",", ":")).encode()


def timestamp(moment: datetime) -> str:
    """Return a UTC moment as `YYYY-MM-DDTHH:MM:SSZ`, the one form that every SDK parses."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
