"""`vendor check --live`: what AWS has against a scope is found with sessions that can do nothing, and said plainly."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example as example_of
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import faults
from tests.fakes.sts import SECRET, STS, TOKEN, packed_bytes
from tests.fakes.trust import Trust
from tests.service import BASE_IDENTITY, CONFIGURATION, ROOT
from vendor import config
from vendor.cli import main
from vendor.live.example import example
from vendor.live.proof import powerless
from vendor.live.specimen import longest, specimen
from vendor.policy.grant import Grant
from vendor.policy.matcher import Contains, Present
from vendor.policy.parameter import Parameter
from vendor.refusals import ValueNotAllowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.fakes.sts_wire import Request
    from vendor.config import Configuration
    from vendor.policy.session import RoleSession

ROLE = "arn:aws:iam::111122223333:role/reports"
EXTERNAL_ID = "CANARY-external-id"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Told:
    """What the process printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def live(self) -> list[dict[str, Any]]:
        """The verdicts of JSON output."""
        found: list[dict[str, Any]] = json.loads(self.out)["live"]
        return found

    @property
    def problems(self) -> list[str]:
        """The problems of the only scope."""
        (only,) = self.live
        return [problem["problem"] for problem in only["problems"]]


class Desk:
    """Runs the command on a configuration whose STS is a fake."""

    def __init__(self, folder: Path, sts: STS, capsys: pytest.CaptureFixture[str]) -> None:
        self.sts = sts
        self.capsys = capsys
        self.path = folder / "vendor.yaml"
        self.text = CONFIGURATION.format(audit="-", issuer="https://oidc.example.com", sts=sts.url)

    def trust(self, trust: Trust | None) -> None:
        """Let the role be like this, or not be at all."""
        self.sts.trusts = {} if trust is None else {ROLE: trust}

    def change(self, old: str, new: str) -> None:
        """Replace one passage of the configuration."""
        assert self.text.count(old) == 1, old
        self.text = self.text.replace(old, new)

    async def check(self, *arguments: str, form: str = "json") -> Told:
        """Run `vendor check --live`."""
        code = await asyncio.to_thread(main, self._command(*arguments, form=form))
        return _told(code, *self.capsys.readouterr())

    async def check_as_a_process(self, form: str = "json", **environ: str) -> Told:
        """Run `vendor check --live` in a process of its own."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "vendor.cli", *self._command(form=form)),
            cwd=ROOT,
            env={**os.environ, **environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return _told(process.returncode or 0, out.decode(), err.decode())

    def _command(self, *arguments: str, form: str) -> list[str]:
        self.path.write_text(self.text)
        return ["check", str(self.path), "--live", "--format", form, *arguments]

    @property
    def asked(self) -> list[Request]:
        """What was asked of STS."""
        return self.sts.requests


@pytest.fixture
async def desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    for name, value in BASE_IDENTITY.items():
        monkeypatch.setenv(name, value)
    async with STS() as sts:
        sts.trusts = {ROLE: Trust(external_id=EXTERNAL_ID)}
        yield Desk(tmp_path, sts, capsys)


def _told(code: int, out: str, err: str) -> Told:
    for canary in (SECRET, TOKEN, EXTERNAL_ID, *BASE_IDENTITY.values()):
        assert canary not in out + err
    return Told(code, out, err)


async def test_a_scope_passes_with_two_sessions_that_can_do_nothing(desk: Desk) -> None:
    told = await desk.check_as_a_process(form="text")
    assert (told.code, told.err) == (0, "")
    good, passes = told.out.splitlines()
    assert good == f"{desk.path}: good: 1 issuers, 1 scopes"
    assert re.fullmatch(
        rf"reports:read: passes: {ROLE} as analytics\.reporter-[a-z2-7]{{16}} in eu-west-1, "
        r"up to 14400 s, packed policy 6 %",
        passes,
    )
    nothing, real = desk.asked
    assert all(json.loads(one.policy or "")["Statement"][0]["Effect"] == "Deny" for one in desk.asked)
    assert (nothing.duration_seconds, real.duration_seconds) == (900, 14_400)
    assert '"Action":"*","Resource":"*"' in (nothing.policy or "")
    assert "arn:aws:s3:::reports/analytics/2026-01/*" in (real.policy or "")
    assert {one.external_id for one in desk.asked} == {EXTERNAL_ID}
    assert {one.source_identity for one in desk.asked} == {"analytics.reporter"}
    assert all(one.tags == {"namespace": "analytics"} for one in desk.asked)


async def test_tools_are_told_the_size_and_the_number_of_calls(desk: Desk) -> None:
    desk.sts.packed_policy_size = 76
    told = await desk.check()
    (only,) = told.live
    assert told.code == 0
    assert json.loads(told.out)["ok"] is True
    assert only.pop("session_name").startswith("analytics.reporter-")
    (warning,) = only.pop("warnings")
    assert "76 %" in warning
    assert only == {
        "scope": "reports:read",
        "ok": True,
        "target": "aws",
        "region": "eu-west-1",
        "role": ROLE,
        "max_duration_seconds": 14_400,
        "packed_policy_percent": 76,
        "calls": 2,
        "not_asked": None,
        "problems": [],
    }


NO_PARTS = {
    "      tags: {namespace": "      # tags: {namespace",
    "      transitive_tags": "      # transitive_tags",
    "      source_identity": "      # source_identity",
}
ONLY_TAGS = {"      source_identity": "      # source_identity"}
BOTH = ["max_duration", "packed_size"]
DENIED: list[tuple[str, dict[str, str], Trust | None, list[str], int]] = [
    ("there is no such role", {}, None, ["not_assumed"], 3),
    ("nothing can be left out", NO_PARTS, None, ["not_assumed"], 2),
    ("another external id", {}, Trust(external_id="other"), ["not_assumed"], 3),
    ("no external id is taken", {}, Trust(external_id=""), ["external_id"], 3),
    ("AWS names the tags", {}, Trust(tags=False), ["tag_session"], 2),
    ("AWS names the source identity", {}, Trust(source_identity=False), ["set_source_identity"], 2),
    (
        "AWS names one after the other",
        {},
        Trust(tags=False, source_identity=False),
        ["tag_session", "set_source_identity"],
        2,
    ),
    ("named, and needed by conditions", {}, Trust(tags=False, wants_tags=True), ["tag_session"], 2),
    ("terse: tags", {}, Trust(tags=False, terse=True), ["tag_session"], 4),
    ("terse: only tags", ONLY_TAGS, Trust(tags=False, terse=True), ["tag_session"], 2),
    ("terse: source identity", {}, Trust(source_identity=False, terse=True), ["set_source_identity"], 4),
    (
        "terse: both",
        {},
        Trust(tags=False, source_identity=False, terse=True),
        ["tag_session", "set_source_identity"],
        4,
    ),
    ("not both at once", {}, Trust(together=False), ["not_assumed"], 4),
    ("the longest is too long", {}, Trust(max_seconds=3_600), ["max_duration"], 5),
    ("all are too long", {}, Trust(max_seconds=1_800), ["duration"], 5),
    ("one length, too long", {"max_duration: 4h": "max_duration: 1h"}, Trust(max_seconds=900), ["duration"], 4),
    ("packed too large", {}, Trust(policy_characters=110), ["packed_size"], 3),
    ("nothing fits", {}, Trust(policy_characters=10), ["packed_size"], 1),
    ("packed too large and too long", {}, Trust(policy_characters=110, max_seconds=3_600), BOTH, 5),
    ("a policy that is no policy", {}, Trust(malformed="s3:GetObject"), ["policy"], 3),
    ("no policy and too long", {}, Trust(malformed="s3:Get", max_seconds=3_600), ["max_duration", "policy"], 5),
]


@pytest.mark.parametrize(
    ("changes", "trust", "problems", "calls"), [row[1:] for row in DENIED], ids=[r[0] for r in DENIED]
)
async def test_what_is_missing_is_found_in_at_most_five_calls(
    desk: Desk, changes: dict[str, str], trust: Trust | None, problems: list[str], calls: int
) -> None:
    for old, new in changes.items():
        desk.change(old, new)
    desk.trust(trust)
    told = await desk.check()
    assert (told.problems, told.code) == (problems, 1)
    assert told.live[0]["calls"] == len(desk.asked) == calls <= 5
    assert told.live[0]["packed_policy_percent"] is None
    assert all('"Allow"' not in (one.policy or '"Allow"') for one in desk.asked)


PLAINLY = (
    "  sts:TagSession is missing, for the tags namespace: the role's trust policy and the service's own policy must "
    "both allow it; AWS says: AccessDenied: User: arn:aws:iam::111122223333:user/vendor is not authorized to perform: "
    f"sts:TagSession on resource: {ROLE}"
)


async def test_people_are_told_what_to_mend_and_what_aws_says(desk: Desk) -> None:
    desk.trust(Trust(tags=False))
    told = await desk.check(form="text")
    assert told.out.splitlines()[1:] == [f"reports:read: fails: {ROLE}", PLAINLY]


async def test_optional_tags_are_left_out_as_serving_does_and_that_is_a_warning(desk: Desk) -> None:
    tags = 'tags: {namespace: "{{ namespace }}", team: 0f3a9c77d1e54b28, job: 9b1d7730c2aa4e65}'
    desk.change('tags: {namespace: "{{ namespace }}"}', f"{tags}\n      optional_tags: [job, team]")
    await desk.check()
    kept = desk.asked[-1]
    desk.sts.packed_limit = packed_bytes(kept) - 5
    told = await desk.check()
    (verdict,) = told.live
    assert (told.code, told.problems) == (0, [])
    assert list(desk.asked[-1].tags) == ["namespace", "team"]
    assert "AWS cannot pack all of it: sessions go without the optional tags job" in verdict["warnings"]
    desk.sts.packed_limit = packed_bytes(replace(kept, parameters={"Policy": kept.policy or ""})) - 5
    assert (await desk.check()).problems == ["packed_size"]


async def test_what_our_own_session_brings_along_is_named_though_the_scope_has_none_of_it(desk: Desk) -> None:
    for old, new in NO_PARTS.items():
        desk.change(old, new)
    text = f"User: x is not authorized to perform: sts:SetSourceIdentity on resource: {ROLE}"
    desk.sts.fault(faults.error("AccessDenied", message=text))
    told = await desk.check()
    assert told.problems == ["set_source_identity"]
    assert "of our own session" in told.out


async def test_an_action_that_is_named_whatever_is_left_out_is_told_once(desk: Desk) -> None:
    text = f"User: x is not authorized to perform: sts:TagSession on resource: {ROLE}"
    desk.sts.fault(faults.error("AccessDenied", message=text))
    told = await desk.check()
    assert (told.problems, len(desk.asked)) == (["tag_session"], 2)


async def test_a_sts_that_falls_silent_on_the_way_leads_to_no_wrong_verdict(desk: Desk) -> None:
    desk.sts.next(faults.error("AccessDenied"))
    desk.sts.fault(faults.error("ServiceUnavailable"))
    told = await desk.check()
    assert (told.problems, told.code) == (["unreachable"], 3)


async def test_a_role_that_is_refused_for_another_reason_is_told_in_the_words_of_aws(desk: Desk) -> None:
    desk.sts.fault(faults.error("ExpiredTrust", status=400, message="what\u202e is this"))
    told = await desk.check()
    assert (told.problems, told.code) == (["role_refused"], 1)
    assert "what\\u202e is this" in told.live[0]["problems"][0]["aws"]


async def test_a_sts_that_does_not_answer_is_no_verdict_on_the_scope(desk: Desk) -> None:
    desk.sts.fault(faults.error("ServiceUnavailable"))
    told = await desk.check()
    assert (told.problems, told.code) == (["unreachable"], 3)
    assert len(desk.asked) == 3  # the mint's own attempts


async def test_the_other_scopes_of_a_target_that_does_not_answer_need_not_wait(desk: Desk) -> None:
    first = desk.text[desk.text.index("  reports:read:") :]
    desk.text += first.replace("reports:read", "reports:other")
    desk.sts.fault(faults.error("InvalidClientTokenId"))
    told = await desk.check(form="text")
    assert told.code == 1
    assert told.out.count("does not accept the identity that vendor itself was given") == 2
    assert len(desk.asked) == 1
    only = await desk.check("--scope", "reports:other")
    assert [verdict["scope"] for verdict in only.live] == ["reports:other"]


async def test_a_disabled_region_is_told_also_where_another_answers(desk: Desk) -> None:
    desk.change("regions: [eu-west-1]", "regions: [eu-west-1, eu-central-1]")
    desk.sts.next(faults.error("RegionDisabledException"))
    told = await desk.check()
    (only,) = told.live
    assert (told.code, only["region"]) == (0, "eu-central-1")
    assert only["warnings"] == ["region eu-west-1 of aws is disabled in the account"]
    desk.sts.fault(faults.error("RegionDisabledException"))
    assert (await desk.check()).problems == ["region_disabled"]


async def test_a_scope_of_which_no_session_can_be_made_is_not_asked_for(desk: Desk) -> None:
    desk.change("namespace: analytics, ", 'namespace: "a b", ')
    told = await desk.check(form="text")
    assert told.code == 1
    assert "no example session can be made: attribute namespace is 'a b'" in told.out
    assert desk.asked == []


async def test_without_an_aws_identity_it_says_so(desk: Desk) -> None:
    told = await desk.check_as_a_process(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert (told.problems, told.code) == (["base_identity"], 1)
    assert desk.asked == []


async def test_settings_of_aws_that_are_no_use_are_told_in_one_line(desk: Desk) -> None:
    told = await desk.check_as_a_process(AWS_PROFILE="nobody")
    assert told.code == 2
    (line,) = told.err.splitlines()
    assert line.startswith("vendor: AWS cannot be asked: ")
    assert told.out == ""


async def test_an_unknown_scope_is_a_usage_error(desk: Desk) -> None:
    told = await desk.check("--scope", "reports:reed")
    assert (told.code, told.err) == (2, "vendor: there is no scope reports:reed; did you mean reports:read?\n")


async def test_a_broken_configuration_asks_nobody(desk: Desk) -> None:
    desk.change("version: 1", "version: 2")
    told = await desk.check()
    assert told.code == 1
    assert "live" not in json.loads(told.out)
    assert desk.asked == []


async def test_annotations_name_the_scope(desk: Desk) -> None:
    desk.trust(Trust(tags=False))
    told = await desk.check(form="github")
    (line,) = told.out.splitlines()
    file = str(desk.path).replace(":", "%3A")
    assert line.startswith(
        f"::error file={file},title=reports%3Aread::sts:TagSession is missing, for the tags namespace"
    )


def test_a_policy_without_power_denies_in_every_statement_and_keeps_the_rest() -> None:
    statement = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::é/*"}
    for given_one in (statement, [statement, {**statement, "Effect": "Deny"}]):
        policy = json.dumps({"Version": "2012-10-17", "Statement": given_one}, ensure_ascii=False)
        made = json.loads(powerless(policy))["Statement"]
        for one in made if isinstance(made, list) else [made]:
            assert one == {**statement, "Effect": "Deny"}
        assert len(powerless(policy)) <= len(policy)
    assert '"Effect":"Deny","Action":"*"' in powerless(None)


@pytest.mark.parametrize(
    "pattern",
    [
        *("[0-9]{4}-[0-9]{2}", "a|b", "(?:eu|us)-[a-z]+-[0-9]", r"\d+", r"\w{3,5}", "x?", "[^a-z]", "v[0-9]+\\.[0-9]+"),
        *("[]x]", "[\\]]?a", "a(b|c(?:d|e))f", "[a-z]{2,}?", "a{,3}", "é+", "[A-F]{8}", r"\x41+", "(a)(b)", "."),
    ],
)
def test_a_specimen_matches_its_pattern(pattern: str) -> None:
    assert re.fullmatch(pattern, specimen(pattern), re.ASCII)


def test_a_specimen_is_of_the_first_alternative() -> None:
    assert [specimen(pattern) for pattern in ("a|b|c", "x(?:a|b|c)y", "a{2}|b")] == ["a", "xay", "aa"]


@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        ("[0-9]{4}-[0-9]{2}", 7),
        ("a|bcd|ef", 3),
        ("(?:eu|ap)-[a-z]{3,9}-[0-9]", 14),
        ("x?y", 2),
        ("a+", 256),
        ("a{2,}", 256),
        ("a{,3}", 3),
        ("(a|bc)(d)", 3),
        ("(a)*", 256),
        (r"\x41\.", 2),
        ("", 0),
    ],
)
def test_the_longest_value_of_a_pattern_is_known(pattern: str, most: int) -> None:
    assert longest(pattern) == most


@given(st.data())
def test_no_value_of_a_pattern_is_longer_than_that(data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(["[a-c]{1,4}|x?y", "(?:a|bc)-d{2}", "a{,3}b", "é{2}|z", "a.b", "[]x]{2,5}"]))
    assert len(data.draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))) <= longest(pattern)


@pytest.mark.parametrize("pattern", ["(a)*", "(?:a|b){2}", "(?=a)a", "a++", "(?i:a)", "a{}"])
def test_what_the_configuration_does_not_admit_is_no_error_either(pattern: str) -> None:
    assert len(specimen(pattern)) <= 9


@example_of("(a)*")
@given(st.text("ab[]()|{}*+?\\^-09,.:dw", max_size=30))
def test_no_pattern_makes_a_specimen_fail(pattern: str) -> None:
    try:
        re.compile(pattern, re.ASCII)
    except (re.error, OverflowError):
        return
    except FutureWarning:
        return
    assert len(specimen(pattern)) <= 30 * 256


def _loaded(folder: Path, **changes: str) -> Configuration:
    text = CONFIGURATION.format(audit="-", issuer="https://oidc.example.com", sts="https://sts.example.com")
    path = folder / "vendor.yaml"
    path.write_text(text.replace('[reporter, {glob: "batch-*"}]', changes.get("accounts", "reporter")))
    return config.load(path, environ={})


def test_where_a_grant_leaves_open_who_it_is_the_example_says_what_it_is(tmp_path: Path) -> None:
    made = _loaded(tmp_path, accounts='{glob: "batch-*"}')
    session = example(made.scopes["reports:read"], made.issuers, now=NOW)
    assert session.source_identity == "analytics.batch-vendor-check"
    assert session.session_name.startswith("analytics.batch-vendor-check-")


def test_of_several_values_one_is_taken_that_can_be_filled_in(tmp_path: Path) -> None:
    made = _loaded(tmp_path, accounts='["a b", {glob: "x y-*"}, reporter]')
    session = example(made.scopes["reports:read"], made.issuers, now=NOW)
    assert session.source_identity == "analytics.reporter"


def test_of_several_grants_one_is_taken_of_which_a_session_can_be_made(tmp_path: Path) -> None:
    made = _loaded(tmp_path)
    reports = made.scopes["reports:read"]
    unfit = Grant(issuer="cluster-a", where=(("namespace", Contains("a")), ("service_account", Present())))
    session = example(replace(reports, grants=(unfit, *reports.grants)), made.issuers, now=NOW)
    assert session.source_identity == "analytics.reporter"


def test_a_session_that_is_bound_to_a_token_is_asked_for_as_long_as_any(tmp_path: Path) -> None:
    made = _loaded(tmp_path)
    reports = made.scopes["reports:read"]
    capped = replace(reports, session=replace(reports.session, cap_to_token=True, policy=None))
    session = example(capped, made.issuers, now=NOW)
    assert (session.not_after, session.policy) == (None, None)


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ({"default": "2025-12", "one_of": ("2025-11", "2025-12")}, "2025-12"),
        ({"one_of": ("2025-11", "2025-12")}, "2025-11"),
        ({"pattern": re.compile("[0-9]{4}-[0-9]{2}", re.ASCII)}, "0000-00"),
        ({}, "vendor-check"),
    ],
)
def test_a_parameter_has_a_value_that_a_caller_may_give(tmp_path: Path, declared: dict[str, Any], value: str) -> None:
    session = _with_month(_loaded(tmp_path), **declared)
    assert f"arn:aws:s3:::reports/analytics/{value}/*" in (session.policy or "")


def test_a_value_that_is_not_admitted_is_never_filled_in(tmp_path: Path) -> None:
    with pytest.raises(ValueNotAllowed):
        _with_month(_loaded(tmp_path), pattern=re.compile(r"\*+"))


def _with_month(made: Configuration, **declared: Any) -> RoleSession:
    month = Parameter(**{"name": "month", "pattern": None, "one_of": (), "path": False, "default": None, **declared})
    return example(replace(made.scopes["reports:read"], parameters=(month,)), made.issuers, now=NOW)
