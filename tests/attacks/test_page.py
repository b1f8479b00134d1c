"""T13, T23, T24 at the page: no text becomes markup, and no form does what no operator asked with that very form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import pytest

from tests.attacks.ground import container, sts
from tests.server.http import request

if TYPE_CHECKING:
    from tests.attacks.ground import Ground
    from tests.server.http import Answer

pytestmark = [pytest.mark.attacks, pytest.mark.asyncio(loop_scope="module")]

MARKUP: Final = (
    *(
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "'onfocus='alert(1)",
        "</style><script>x()</script>",
    ),
    *(
        "</textarea><script>x()</script>",
        "<svg/onload=x()>",
        "&lt;script&gt;",
        "javascript:alert(1)",
        "]]><script>x()</script>",
    ),
    *(
        "<!--",
        "-->",
        "\u202e<b>",
        "\u2028<b>",
        "<b>\x00",
        "{{7*7}}",
        "${7*7}",
        "%3Cscript%3E",
        "<\u0441cript>",
        "<b>" * 50,
    ),
)
FORMS: Final[dict[str, dict[str, str]]] = {
    "nothing that there is": {"do": "mint"},
    "a long number of hours": {"do": "revoke", "sure": "yes", "scope": "reports:read", "hours": "9" * 5_000},
    "no hours": {"do": "revoke", "sure": "yes", "scope": "reports:read"},
    "hours in other digits": {"do": "revoke", "sure": "yes", "scope": "reports:read", "hours": "\u0661"},
    "hours below none": {"do": "revoke", "sure": "yes", "scope": "reports:read", "hours": "-1"},
    "hours with a point": {"do": "revoke", "sure": "yes", "scope": "reports:read", "hours": "1.5"},
    "not sure": {"do": "revoke", "scope": "reports:read", "hours": "1"},
    "nobody": {"do": "revoke", "sure": "yes", "hours": "1"},
    "an unknown scope": {"do": "revoke", "sure": "yes", "scope": "none", "hours": "1"},
    "a revocation of none": {"do": "lift", "id": "../x"},
    "no revocation": {"do": "lift"},
    "a key of none": {"do": "find", "access_key_id": "*"},
    "no key": {"do": "find"},
    "attributes that are a list": {"do": "explain", "issuer": "RS256", "attributes": "[]"},
    "attributes that are no JSON": {"do": "explain", "issuer": "RS256", "attributes": "{"},
    "attributes without an end": {"do": "explain", "issuer": "RS256", "attributes": '{"a":' + "[" * 20_000},
    "a number without measure": {"do": "explain", "issuer": "RS256", "attributes": '{"a":' + "9" * 20_000 + "}"},
    "a NUL": {"do": "explain", "issuer": "RS256", "attributes": '{"a":"\\u0000"}'},
    "no issuer": {"do": "explain"},
    "a parameter that is no text": {"do": "explain", "issuer": "RS256", "parameters": '{"a":1}'},
}
RAW: Final = {
    "a field twice": b"do=find&do=revoke",
    "no UTF-8": b"do=%ff",
    "bytes": b"\xff\xfe\x00",
    "many fields": b"&".join(b"f%d=x" % number for number in range(500)),
    "no field": b"&&&=&=",
}


def _operator(ground: Ground) -> str:
    return ground.reporter("vendor-operator", namespace="platform")


async def _form(ground: Ground, form: dict[str, str] | bytes, token: str | None = None) -> Answer:
    return await ground.ask(sts(form, token=token), operators=True)


def _is_plain(answer: Answer) -> bool:
    """Tell whether nothing that an attacker may write stands in a page as markup."""
    body = answer.body.decode()
    return not any(one in body for one in ("<script>alert", "<script>x", "<img", "<svg/", "<b>", "<!--", "'onfocus='"))


@pytest.mark.parametrize("text", MARKUP, ids=[f"T24 {text!a}"[:40] for text in MARKUP])
async def test_t24_no_text_becomes_markup(ground: Ground, text: str) -> None:
    operator = _operator(ground)
    await ground.ask(container(ground.builder(sub=text), "builds:write"))
    await ground.ask(container(ground.builder(), "builds:write", name=text))
    await ground.ask(container(ground.builder(), text.encode("ascii", "ignore").hex()))
    pages = [await ground.ask(request("/", operator), operators=True)]
    for do, names in {
        "find": ("access_key_id",),
        "explain": ("issuer", "scope", "attributes"),
        "lift": ("id",),
    }.items():
        pages.append(await _form(ground, {"do": do, **dict.fromkeys(names, text)}, operator))
    pages.append(
        await _form(ground, {"do": "revoke", "sure": "yes", "hours": "1", "scope": text, "reason": text}, operator)
    )
    pages.append(await _form(ground, {"do": "find", "access_key_id": text, "token": text}))
    assert all(_is_plain(page) and page.headers["content-type"].startswith("text/html") for page in pages)
    assert all("unsafe" not in page.headers["content-security-policy"] for page in pages)


@pytest.mark.parametrize("name", FORMS)
async def test_t13_a_form_that_is_none_does_nothing(ground: Ground, name: str) -> None:
    operator = _operator(ground)
    answer = await _form(ground, FORMS[name], operator)
    assert answer.status in (400, 404)
    assert (await ground.ask(request("/v1/revocations", operator), operators=True)).json["revocations"] == []


@pytest.mark.parametrize("name", RAW)
async def test_t7_bytes_that_are_no_form_are_refused(ground: Ground, name: str) -> None:
    assert (await _form(ground, RAW[name], _operator(ground))).status == 400


@pytest.mark.parametrize("whose", ["nobody", "a reporter", "a cookie"])
async def test_t13_no_form_does_anything_for_who_is_no_operator(ground: Ground, whose: str) -> None:
    stop = {"do": "revoke", "sure": "yes", "scope": "reports:read", "hours": "1"}
    cookie = {"Cookie": f"token={_operator(ground)}"} if whose == "a cookie" else {}
    for form in (stop, {"do": "lift", "id": "x"}, {"do": "find", "access_key_id": "ASIA"}, {"do": "explain"}):
        body = urlencode({**form, **({"token": ground.reporter()} if whose == "a reporter" else {})}).encode()
        fields = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body)), **cookie}
        raw = request("/", method="POST", headers=fields) + body
        assert (await ground.ask(raw, operators=True)).status in (401, 403)
    assert (await ground.ask(container(ground.reporter()))).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/json", ""])
async def test_t27_a_form_of_another_kind_is_refused(ground: Ground, kind: str) -> None:
    raw = (
        request("/", _operator(ground), method="POST", headers={"Content-Type": kind, "Content-Length": "7"})
        + b"do=find"
    )
    assert (await ground.ask(raw, operators=True)).status == 415


async def test_t23_whoever_is_not_signed_in_sees_no_identity(ground: Ground) -> None:
    await ground.ask(container(ground.reporter("batch-seen-by-nobody")))
    page = await ground.ask(request("/"), operators=True)
    assert b"batch-seen-by-nobody" not in page.body
    assert b"batch-seen-by-nobody" in (await ground.ask(request("/", _operator(ground)), operators=True)).body
    for token, status in ((None, 401), (ground.reporter(), 403), (_operator(ground), 200)):
        assert (await ground.ask(request("/v1/status", token), operators=True)).status == status
