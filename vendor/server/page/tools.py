"""What operators can do on the page: sign in, find who holds a key, try a decision, stop somebody and let them on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from vendor.server.page.html import element, join
from vendor.server.page.sections import ROWS, section, table, tag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vendor.server.page.html import Html

STOPPING: Final = (
    "Nothing is handed out to them any more, at once, on every replica. What AWS has given lives on to its end."
)
EXAMPLE: Final = '{"namespace": "analytics", "service_account": "reporter"}'


def form(do: str, button: str, *fields: object, token: str | None, kind: str | None = None) -> Html:
    """Return a form that is sent to where the page is; `token` stands in it only where no script would keep it."""
    kept = element("input", type="hidden", name="token", value=token) if token else None
    hidden = element("input", type="hidden", name="do", value=do)
    return element(
        "form",
        kept,
        hidden,
        *fields,
        element("button", button, class_=kind),
        method="post",
        autocomplete="off",
    )


def field(
    label: str, name: str, *, value: str = "", needed: bool = False, hint: str | None = None, id_: str | None = None
) -> Html:
    """Return a labelled line of text."""
    id_ = id_ or f"f-{name}"
    box = element("input", id=id_, name=name, value=value, required=needed, placeholder=hint, spellcheck="false")
    return join(element("label", label, for_=id_), box)


def area(label: str, name: str, value: str) -> Html:
    """Return a labelled text of several lines."""
    id_ = f"f-{name}"
    return join(
        element("label", label, for_=id_), element("textarea", value, id=id_, name=name, spellcheck="false", rows="6")
    )


def choice(label: str, name: str, options: Collection[str], chosen: str, *, within: str = "") -> Html:
    """Return a labelled choice, or a line of text where there are too many; `within` tells two of one name apart."""
    id_ = f"f-{within}{name}"
    if len(options) > ROWS:
        return field(label, name, value=chosen, id_=id_)
    told = [element("option", one, value=one, selected=one == chosen) for one in options]
    return join(element("label", label, for_=id_), element("select", *told, id=id_, name=name))


def sign_in() -> Html:
    """Return how an operator says who it is."""
    secret = element(
        "input", id="f-token", name="token", type="password", required=True, autocomplete="off", spellcheck="false"
    )
    told = "Your JWT is kept in this tab's memory and nowhere else: a reload of the page forgets it."
    return section(
        "sign-in",
        "Sign in",
        element(
            "p",
            "Who holds which credentials, why somebody was refused, and stopping them is for operators.",
            class_="quiet",
        ),
        form("sign-in", "Sign in", element("label", "Operator's token (JWT)", for_="f-token"), secret, token=None),
        element("p", told, class_="quiet"),
        live=False,
    )


def signed_in(who: str, token: str | None) -> Html:
    """Return who is signed in, and the way out."""
    way_out = form("sign-out", "Sign out", token=None, kind="quiet") if token is None else None
    strip = element("div", element("p", "Signed in as ", element("code", who)), way_out, class_="strip")
    return section("sign-in", "You", strip, live=False)


def finder(token: str | None, asked: Mapping[str, str], found: Mapping[str, Any] | None) -> Html:
    """Return the way from an access key id to who holds it."""
    key = asked.get("access_key_id", "")
    shown = None if found is None else element("div", _facts(found), data_result=True)
    return section(
        "finder",
        "Whose key is it?",
        form(
            "find", "Find", field("Access key id", "access_key_id", value=key, needed=True, hint="ASIA…"), token=token
        ),
        shown,
        live=False,
    )


def tester(
    token: str | None,
    asked: Mapping[str, str],
    issuers: Sequence[str],
    scopes: Sequence[str],
    told: Mapping[str, Any] | None,
) -> Html:
    """Return the way to try what would be decided for any attributes."""
    shown, scope = None, asked.get("scope", "")
    if told is not None:
        allowed = tag("would be granted", "good") if told["allowed"] else tag("would be refused", "bad")
        refusal = told["refusal"]
        why = f" {refusal['code']}: {refusal['detail'] or refusal['message']}" if refusal else ""
        whole = element("details", element("summary", "The whole decision"), element("pre", json.dumps(told, indent=2)))
        shown = element("div", element("p", allowed, why), _grants(told), whole, data_result=True)
    return section(
        "tester",
        "What would be decided?",
        form(
            "explain",
            "Decide",
            _pair(
                choice("Issuer", "issuer", issuers, asked.get("issuer", "")), choice("Scope", "scope", scopes, scope)
            ),
            _pair(
                area("Attributes (JSON)", "attributes", asked.get("attributes", EXAMPLE)),
                area("Parameters (JSON)", "parameters", asked.get("parameters", "{}")),
            ),
            token=token,
        ),
        shown,
        live=False,
    )


def _grants(told: Mapping[str, Any]) -> Html | None:
    rows = [
        (
            str(grant["grant"]),
            tag("matches", "good") if grant["matches"] else tag("fails", "bad"),
            grant["failed"] or "",
            "" if grant["had"] is None else json.dumps(grant["had"]),
            grant.get("wanted") or "",
        )
        for grant in told["grants"]
    ]
    return table("Grants of the scope", ("Grant", "Result", "By", "Is", "Wanted"), rows) if rows else None


def stopper(token: str | None, asked: Mapping[str, str], scopes: Sequence[str]) -> Html:
    """Return the way to stop somebody; it has to be confirmed."""
    said = asked.get("do") == "revoke"
    sure = element("input", type="checkbox", name="sure", value="yes", required=True)
    return section(
        "stopper",
        "Stop somebody",
        element("p", STOPPING, class_="quiet"),
        form(
            "revoke",
            "Stop them",
            choice("Scope", "scope", ("", *scopes), asked.get("scope", "") if said else "", within="stop-"),
            field("Principal (the token's subject)", "principal", value=asked.get("principal", "")),
            field("or the holder of an access key id", "revoked_key", value=asked.get("revoked_key", "")),
            field("Hours", "hours", value=asked.get("hours", "12"), needed=True),
            field("Reason", "reason", value=asked.get("reason", ""), needed=True),
            element("label", sure, "Yes, stop them", class_="sure"),
            token=token,
            kind="danger",
        ),
        live=False,
    )


def standing(token: str | None, revocations: Sequence[Mapping[str, Any]]) -> Html:
    """Return who is stopped, each with the way to let them on."""
    rows = [
        (
            element("code", one["id"]),
            _whom(one),
            one["reason"],
            one["by"]["subject"],
            one["until"],
            form(
                "lift", "Lift", element("input", type="hidden", name="id", value=one["id"]), token=token, kind="quiet"
            ),
        )
        for one in revocations[-ROWS:]
    ]
    caption = "Revocations in force"
    if len(revocations) > ROWS:
        caption += f": the latest {ROWS} of {len(revocations)}; `vendor revocations` lists all"
    heads = ("Id", "Whom", "Reason", "By", "Until", "Let on")
    told = table(caption, heads, rows) if rows else element("p", "Nobody is stopped.", class_="empty")
    return section("revocations", "Revocations", told)


def _pair(*fields: Html) -> Html:
    return element("div", *(element("div", one) for one in fields), class_="pair")


def _whom(one: Mapping[str, Any]) -> str:
    parts = [f"{name} {one[name]}" for name in ("scope", "issuer", "principal", "access_key_id") if one.get(name)]
    return ", ".join([*parts, *([json.dumps(one["attributes"])] if one.get("attributes") else [])])


def _facts(found: Mapping[str, Any]) -> Html:
    told = [
        join(
            element("dt", name.replace("_", " ")), element("dd", value if isinstance(value, str) else json.dumps(value))
        )
        for name, value in found.items()
        if value is not None
    ]
    return element("dl", *told)
