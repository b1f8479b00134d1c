"""The page for people: what anybody sees, what operators see and do, and that no text becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio

from tests.server.http import get
from tests.service import World
from vendor.server.page import sections, tools
from vendor.server.page.html import element, join
from vendor.server.page.overview import Ending, Overview, ScopeSeen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

HOSTILE = "batch-\"><script>alert('HOSTILE')</script>"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STEP = timedelta(minutes=15)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("page")
    async with World(folder) as made:
        yield made


pytestmark = pytest.mark.asyncio(loop_scope="module")


class Page(HTMLParser):
    """What a browser would find in an answer."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.data.append(data)

    @property
    def text(self) -> str:
        return "".join(self.data)


async def ask(
    world: World, *, form: Mapping[str, str] | None = None, token: str | None = None
) -> tuple[int, str, Mapping[str, str]]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = None if form is None else urlencode(form).encode()
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            "POST" if form is not None else "GET",
            f"{world.service.operations}/",
            data=body,
            headers={**headers, **(FORM if form is not None else {})},
        ) as answer,
    ):
        return answer.status, await answer.text(), answer.headers


def operator(world: World) -> str:
    return world.token("vendor-operator", namespace="platform")


async def exchange(world: World, token: str) -> dict[str, str]:
    url = f"{world.service.public}/v1/credentials/reports:read"
    async with aiohttp.ClientSession() as session, session.get(url, headers={"Authorization": token}) as answer:
        found: dict[str, str] = await answer.json()
        return found


async def test_without_a_token_it_shows_how_it_goes_and_nobody(world: World) -> None:
    await exchange(world, world.token("batch-unseen"))
    await exchange(world, world.token("intruder-unseen"))
    status, text, headers = await ask(world)
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    page = Page(text)
    assert "reports:read" in page.text
    assert "Ready" in page.text
    assert "eu-west-1" in page.text
    assert "unseen" not in text
    assert "ASIA" not in page.text
    assert "Whose key is it?" not in text
    for configured in ("Read one team's monthly reports", "vendor.yaml", world.issuer.issuer, "kubernetes"):
        assert configured not in page.text
        assert configured in Page((await ask(world, token=operator(world)))[1]).text


async def test_nothing_is_loaded_from_anywhere_and_the_policy_allows_what_is_there_and_no_more(world: World) -> None:
    _, text, headers = await ask(world, token=operator(world))
    page = Page(text)
    assert not [(tag, attrs) for tag, attrs in page.tags if attrs.keys() & {"src", "style", "onclick", "onload"}]
    assert {attrs.get("href") for tag, attrs in page.tags if tag in {"a", "link"}} == {"#main"}
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    for tag in ("style", "script"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == policy["connect-src"] == "'self'"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


async def test_each_label_is_of_one_field(world: World) -> None:
    page = Page((await ask(world, token=operator(world)))[1])
    ids = [str(attrs["id"]) for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["for"] for tag, attrs in page.tags if tag == "label" and "for" in attrs} < set(ids)


async def test_an_operator_sees_who_holds_what_and_who_was_refused_and_why(world: World) -> None:
    lent = await exchange(world, world.token("batch-seen"))
    await exchange(world, world.token("intruder-seen"))
    for page in (
        Page((await ask(world, token=operator(world)))[1]),
        Page((await ask(world, form={"do": "sign-in", "token": operator(world)}))[1]),
    ):
        assert "system:serviceaccount:analytics:batch-seen" in page.text
        assert lent["AccessKeyId"] in page.text
        assert "service_account is 'intruder-seen'" in page.text
        assert "Signed in as" in page.text
        assert lent["SecretAccessKey"] not in page.text
        assert lent["Token"] not in page.text


async def test_a_token_stands_in_the_page_only_where_it_was_typed_into_a_form(world: World) -> None:
    token = operator(world)
    assert token not in (await ask(world, token=token))[1]
    assert token in (await ask(world, form={"do": "sign-in", "token": token}))[1]
    assert token not in (await ask(world, form={"do": "find", "token": "x.y.z"}))[1]


async def test_a_browser_without_scripts_leaves_when_the_token_ends(world: World) -> None:
    token = world.token("vendor-operator", namespace="platform", exp=int(time.time()) + 100)
    _, _, headers = await ask(world, form={"do": "sign-in", "token": token})
    seconds, where = headers["Refresh"].split("; ")
    assert (60 < int(seconds) <= 100, where) == (True, "url=./")
    assert "Refresh" not in (await ask(world))[2]


async def test_nothing_on_the_page_leads_away_from_the_path_that_a_proxy_shows_it_under(world: World) -> None:
    for form in ({}, {"do": "sign-in", "token": operator(world)}):
        text = (await ask(world, form=form))[1]
        assert re.findall(r"""(?:href|src|action)=["']?([^#"'> ]+)""", text) == []
        assert text.count("<form") == text.count('method="post"') > 0


@pytest.mark.parametrize(
    ("account", "status"), [("vendor-operator", 200), ("reporter", 403)], ids=["an operator", "a workload"]
)
async def test_only_operators_are_let_in(world: World, account: str, status: int) -> None:
    token = world.token(account, namespace="platform")
    found, text, _ = await ask(world, form={"do": "sign-in", "token": token})
    assert found == status
    assert ("Whose key is it?" in text) == (status == 200)


@pytest.mark.parametrize("do", ["find", "explain", "revoke", "lift", "nonsense"])
async def test_nothing_is_done_without_a_token(world: World, do: str) -> None:
    status, text, _ = await ask(world, form={"do": do, "scope": "reports:read", "sure": "yes", "reason": "r"})
    assert status == 401
    assert "Whose key is it?" not in text


async def test_a_subject_that_is_markup_is_shown_as_the_text_that_it_is(world: World) -> None:
    token = world.issuer.token({"sub": f"system:serviceaccount:analytics:{HOSTILE}"})
    await exchange(world, token)
    found = {"do": "explain", "issuer": "cluster-a", "scope": "reports:read", "parameters": "{}"}
    supposed = json.dumps({"namespace": "analytics", "service_account": HOSTILE})
    for form in ({"do": "sign-in"}, {**found, "attributes": supposed}, {"do": "find", "access_key_id": HOSTILE}):
        _, text, _ = await ask(world, form=form, token=operator(world))
        page = Page(text)
        assert [tag for tag, _ in page.tags].count("script") == 1
        assert "<script>alert" not in text


async def test_a_key_is_found_and_one_that_is_unknown_said_to_be(world: World) -> None:
    lent = await exchange(world, world.token("batch-found"))
    status, text, _ = await ask(world, form={"do": "find", "access_key_id": lent["AccessKeyId"]}, token=operator(world))
    assert status == 200
    assert "batch-found" in Page(text).text
    status, text, _ = await ask(world, form={"do": "find", "access_key_id": "ASIAUNKNOWN"}, token=operator(world))
    assert status == 404
    assert "ask the audit trail" in Page(text).text


async def test_a_decision_is_tried_and_the_claim_that_fails_named(world: World) -> None:
    form = {"do": "explain", "issuer": "cluster-a", "scope": "reports:read", "parameters": '{"month": "2026-03"}'}
    given = '{"namespace": "analytics", "service_account": "%s"}'
    _, text, _ = await ask(world, form={**form, "attributes": given % "reporter"}, token=operator(world))
    assert "would be granted" in text
    assert "arn:aws:s3:::reports/analytics/2026-03/*" in text
    _, text, _ = await ask(world, form={**form, "attributes": given % "another"}, token=operator(world))
    assert "would be refused" in text
    assert "service_account" in Page(text).text
    status, text, _ = await ask(world, form={**form, "attributes": "[1]"}, token=operator(world))
    assert status == 400
    assert "attributes must be a JSON object" in text


async def test_somebody_is_stopped_once_that_is_confirmed_and_let_on_again(world: World) -> None:
    token = world.token("batch-stopped")
    subject = "system:serviceaccount:analytics:batch-stopped"
    assert "AccessKeyId" in await exchange(world, token)
    form = {"do": "revoke", "principal": subject, "hours": "2", "reason": "CASE-7", "scope": "", "revoked_key": ""}
    status, text, _ = await ask(world, form=form, token=operator(world))
    assert (status, "say that you are sure" in text) == (400, True)
    assert "AccessKeyId" in await exchange(world, token)
    status, text, _ = await ask(world, form={**form, "sure": "yes"}, token=operator(world))
    assert status == 200
    found = re.search(r"Stopped by revocation ([0-9a-f]+)", text)
    assert found
    assert (await exchange(world, token))["code"] == "revoked"
    assert "CASE-7" in Page((await ask(world, token=operator(world)))[1]).text
    status, text, _ = await ask(world, form={"do": "lift", "id": found[1]}, token=operator(world))
    assert (status, "is lifted" in text) == (200, True)
    assert "AccessKeyId" in await exchange(world, token)


@pytest.mark.parametrize("hours", ["", "0", "-1", "745", "1e3", "x", "9" * 5_000])
async def test_nobody_is_stopped_for_a_time_that_makes_no_sense(world: World, hours: str) -> None:
    form = {"do": "revoke", "principal": "p", "hours": hours, "reason": "r", "sure": "yes"}
    status, text, _ = await ask(world, form=form, token=operator(world))
    assert (status, "hours must be" in text) == (400, True)


async def test_what_is_no_form_is_refused(world: World) -> None:
    url = f"{world.service.operations}/"
    async with aiohttp.ClientSession() as session:
        for body, headers, status in (
            (b"{}", {"Content-Type": "application/json"}, 415),
            (b"do=find&do=lift", FORM, 400),
            (b"do=%ff", FORM, 400),
            (b"&".join(b"a%d=1" % number for number in range(30)), FORM, 400),
            (b"do=" + b"x" * 70_000, FORM, 413),
        ):
            async with session.post(url, data=body, headers=headers) as answer:
                assert answer.status == status, body[:20]
        async with session.get(f"{url}?a=1") as answer:
            assert answer.status == 400
        async with session.put(url) as answer:
            assert answer.status == 405


async def test_the_same_is_there_for_tools_and_for_operators_alone(world: World) -> None:
    url = f"{world.service.operations}/v1/status"
    await exchange(world, world.token("batch-status"))
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            assert answer.status == 401
        async with session.get(url, headers={"Authorization": operator(world)}) as answer:
            assert answer.status == 200
            told = await answer.json()
    assert told["generation"] == 1
    assert told["scopes"][0]["name"] == "reports:read"
    assert told["scopes"][0]["active"] == sum(count for one in told["timeline"] for _, count in one["counts"]) > 0
    assert told["targets"][0]["regions"] == [{"name": "eu-west-1", "left_alone": False}]
    assert told["issuers"][0]["keys_age"] >= 0
    assert "CANARY" not in json.dumps(told)


async def test_text_is_escaped_wherever_it_stands_and_what_is_left_out_is_left_out() -> None:
    made = element("p", "<b>", None, ["&", element("br")], title='"', data_x="1", hidden=True, lang=None, open=False)
    assert made == '<p title="&quot;" data-x="1" hidden>&lt;b&gt;&amp;<br></p>'
    assert join("a\u202eb\x00") == "a\ufffdb\ufffd"


async def test_what_is_made_does_not_grow_with_what_there_is() -> None:
    """The page is made on the loop that answers for credentials, anew for each browser every five seconds."""

    def length(count: int) -> int:
        names = [f"scope-{number:04}" for number in range(count)]
        counts = tuple((name, 1 + number) for number, name in enumerate(names))
        endings = tuple(Ending(begins=NOON + STEP * at, ends=NOON + STEP * (at + 1), counts=counts) for at in range(24))
        scopes = [
            ScopeSeen(name=name, description="", active=number, expired=0, stale=0, next_expiry=NOON)
            for number, name in enumerate(names)
        ]
        seen = Overview(
            now=NOON,
            version="0",
            why_not=None,
            generation=1,
            reloaded=NOON,
            files=(),
            problems=(),
            store="",
            revocations=0,
            scopes=tuple(scopes),
            targets=(),
            issuers=(),
            timeline=endings,
        )
        revocations = [
            {"id": name, "scope": name, "reason": "", "by": {"subject": "o"}, "until": "2026-01-01T00:00:00Z"}
            for name in names
        ]
        made = join(
            sections.scopes(seen),
            sections.expiry(seen),
            tools.standing(None, revocations),
            tools.stopper(None, {}, names),
            tools.tester(None, {}, [], names, None),
        )
        assert names[-1] in made, "of which most is out"
        return len(made)

    assert length(4_000) < 1.1 * length(1_000) < 200_000


async def test_while_sts_has_the_say_of_the_rate_the_page_tells_so(tmp_path: Path) -> None:
    async with World(tmp_path) as throttled:
        throttled.sts.throttle_above(1)
        for number in range(5):
            await get(throttled.service.public, "/v1/credentials/reports:read", throttled.token(f"batch-{number}"))
        answer = await get(throttled.service.operations, "/")
    assert answer.status == 200
    assert "requests free of what STS takes" in answer.body.decode()
