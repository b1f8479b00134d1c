"""`vendor replay`: which recorded decisions another configuration would change, from the audit lines alone."""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.clock import START
from tests.made import credentials
from tests.service import CONFIGURATION
from vendor import config
from vendor.audit import Door, Entry, Source
from vendor.cli import main
from vendor.identity.principal import Principal
from vendor.policy.decision import Asked, Mapping
from vendor.refusals import InvalidToken, Reason, Refusal, Revoked, RoleRefused

if TYPE_CHECKING:
    from pathlib import Path

TEXT = CONFIGURATION.format(audit="-", issuer="https://oidc.example.com", sts="https://sts.example.com")
STEERING = re.compile(r"[^\n -~]")


class Shown:
    """What the command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        """The report as JSON."""
        return json.loads(self.out)

    @property
    def changes(self) -> list[tuple[str, str, int]]:
        """Every kind of change with its reason and count."""
        return [(one["change"], one["reason"], one["count"]) for one in self.json["changes"]]


class Desk:
    """Records exchanges under one configuration and replays them under another."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.audit = folder / "audit.jsonl"
        self.recorded = TEXT
        self.candidate = TEXT
        self.lines: list[bytes] = []

    def record(
        self,
        service_account: str = "reporter",
        *,
        asked: Asked | None = None,
        token_scopes: frozenset[str] | None = None,
        failure: Refusal | None = None,
        **attributes: Any,
    ) -> dict[str, Any]:
        """Decide as serving does, and write what serving writes."""
        path = self.folder / "recorded.yaml"
        path.write_text(self.recorded)
        loaded = config.load(path, environ={})
        issuer = loaded.issuers["cluster-a"]
        named = {"namespace": "analytics", "service_account": service_account, **attributes}
        subject = f"system:serviceaccount:{named['namespace']}:{named['service_account']}"
        principal = Principal(
            issuer=issuer.name,
            issuer_url=issuer.url,
            subject=subject,
            attributes={**named, "issuer": issuer.name, "subject": subject},
            token_expires=START + timedelta(hours=2),
            token_sha256="a" * 64,
            token_scopes=token_scopes,
        )
        entry = _entry(principal, asked or Asked(scope="reports:read", parameters={"month": "2026-03"}))
        mapping = Mapping(scopes=loaded.scopes, generation=1)
        try:
            entry.permission, settled = mapping.settle(principal, entry.asked)
            entry.session = mapping.open(entry.permission, principal, settled)
            if failure is not None:
                raise failure
            entry.credentials, entry.source = credentials(entry.session), Source.STS
        except Refusal as refusal:
            entry.refusal = refusal
        return self.keep(entry.line())

    def keep(self, line: bytes) -> dict[str, Any]:
        """Keep a line of the trail."""
        self.lines.append(line)
        read: dict[str, Any] = json.loads(line)
        return read

    def change(self, old: str, new: str) -> None:
        """Replace one passage of the configuration to try."""
        assert self.candidate.count(old) == 1, old
        self.candidate = self.candidate.replace(old, new)

    def replay(self, *options: str, form: str = "json") -> Shown:
        """Run the command on what was recorded."""
        self.audit.write_bytes(b"".join(self.lines))
        return self.run(str(self.audit), "--format", form, *options)

    def run(self, *arguments: str) -> Shown:
        """Run the command."""
        path = self.folder / "candidate.yaml"
        path.write_text(self.candidate)
        code = main(["replay", *arguments, "--config", str(path)])
        return Shown(code, *self.capsys.readouterr())


def _entry(principal: Principal | None, asked: Asked) -> Entry:
    return Entry(
        time=START,
        request_id="0123456789abcdef",
        door=Door.CONTAINER,
        asked=asked,
        generation=1,
        token_sha256="a" * 64,
        principal=principal,
    )


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_under_the_same_configuration_nothing_changes_whatever_was_decided(desk: Desk) -> None:
    desk.recorded = desk.candidate = TEXT.replace("max_duration: 4h", "max_duration: 4h\n      cap_to_token: true")
    desk.record()
    desk.record("batch-7", asked=Asked(scope="reports:read", duration=timedelta(hours=3)))
    desk.record("batch-7", asked=Asked(scope="reports:read", duration=timedelta(0)))
    desk.record(asked=Asked(scope=None))
    desk.record("other")
    desk.record("other", asked=Asked(scope=None))
    desk.record(asked=Asked(scope="nothing"))
    desk.record(asked=Asked(scope="reports:read", parameters={"month": "*"}))
    desk.record(asked=Asked(scope="reports:read", parameters={"year": "2026"}))
    desk.record(failure=RoleRefused(Reason.ROLE_DENIED))
    desk.record(list_of=("a", "b"), number=7, flag=True)
    told = desk.replay("--fail-on-change")
    assert (told.code, told.changes) == (0, [])
    assert (told.json["exchanges"], told.json["unchanged"], told.json["unreplayable"]) == (11, 11, {})


def test_a_grant_that_is_gone_shows_whom_it_would_refuse_and_why(desk: Desk) -> None:
    desk.record()
    desk.record("batch-1")
    desk.record("batch-2")
    desk.change('[reporter, {glob: "batch-*"}]', "reporter")
    told = desk.replay("--fail-on-change")
    assert (told.code, told.changes) == (1, [("now_refused", "no_grant", 2)])
    example = told.json["changes"][0]["example"]
    assert (example["issuer"], example["subject"]) == ("cluster-a", "system:serviceaccount:analytics:batch-1")
    assert example["after"]["detail"] == "grant 0: service_account is 'batch-1', wanted 'reporter'"
    assert desk.replay().code == 0


def test_a_grant_that_is_wider_shows_whom_it_would_let_in(desk: Desk) -> None:
    desk.record("nightly")
    desk.change("service_account: [reporter, ", "service_account: [reporter, nightly, ")
    told = desk.replay()
    assert told.changes == [("now_allowed", "no_grant", 1)]
    assert told.json["changes"][0]["example"]["after"]["role"] == "arn:aws:iam::111122223333:role/reports"


@pytest.mark.parametrize(
    ("old", "new", "members"),
    [
        ("role/reports", "role/other", "role"),
        ('"s3:GetObject"', '"s3:PutObject"', "policy_sha256"),
        ("tags: {namespace:", "tags: {team:", "tags"),
        ("duration: 1h", "duration: 2h", "duration_seconds"),
        ("{{ namespace }}.{{ service_account }}", "{{ namespace }}", "source_identity"),
        ("https://oidc.example.com", "https://oidc.example.org", "session_name"),
        ("duration: 1h", "duration: 1h\n      cap_to_token: true", "not_after"),
        ("duration: 1h", "duration: 1h\n      policy_arns: [arn:aws:iam::aws:policy/ReadOnlyAccess]", "policy_arns"),
        ("aws: {endpoint_url", "other: {endpoint_url", "target"),
    ],
)
def test_the_same_decision_with_another_session_says_which_part_of_it(
    desk: Desk, old: str, new: str, members: str
) -> None:
    desk.record()
    if members == "tags":
        desk.change("      transitive_tags: [namespace]\n", "")
        members = "tags, transitive_tags"
    if members == "target":
        desk.change("target: aws", "target: other")
    desk.change(old, new)
    told = desk.replay()
    assert told.changes == [("other_session", members, 1)]
    example = told.json["changes"][0]["example"]
    assert list(example["before"]) == list(example["after"]) == members.split(", ")
    assert example["before"] != example["after"]


def test_the_end_of_a_session_follows_the_token_of_each_line(desk: Desk) -> None:
    capped = "max_duration: 4h\n      cap_to_token: true"
    desk.candidate = TEXT.replace("max_duration: 4h", capped)
    line = desk.record()
    told = desk.replay()
    assert told.changes == [("other_session", "not_after", 1)]
    assert told.json["changes"][0]["example"]["after"]["not_after"] == line["token_expires"]


def test_a_tag_that_sts_could_not_pack_is_no_change_as_long_as_it_may_be_left_out(desk: Desk) -> None:
    tags = 'tags: {namespace: "{{ namespace }}", job: nightly}\n      optional_tags: [job]'
    desk.recorded = desk.candidate = TEXT.replace('tags: {namespace: "{{ namespace }}"}', tags)
    line = desk.record()
    del line["tags"]["job"]
    desk.lines = [json.dumps({**line, "dropped_tags": ["job"]}).encode() + b"\n"]
    assert desk.replay().changes == []
    desk.change("optional_tags: [job]", "optional_tags: []")
    assert desk.replay().changes == [("other_session", "tags", 1)]
    desk.candidate = TEXT
    assert desk.replay().changes == []
    desk.lines.append(json.dumps({**line, "dropped_tags": "job"}).encode() + b"\n")
    assert desk.replay().json["unreadable"] == 1


def test_mode_audit_is_a_change_for_those_whom_no_grant_lets_in(desk: Desk) -> None:
    desk.record("other")
    desk.record()
    desk.change("max_duration: 4h", "max_duration: 4h\n    mode: audit")
    assert desk.replay().changes == [("now_allowed", "no_grant", 1)]
    desk.recorded, desk.candidate, desk.lines = desk.candidate, TEXT, []
    desk.record("other")
    desk.record()
    assert desk.replay().changes == [("now_refused", "no_grant", 1)]
    desk.candidate = desk.recorded.replace("service_account: [reporter, ", "service_account: [other, reporter, ")
    assert desk.replay().changes == [("other_session", "would_refuse", 1)]


def test_a_refusal_of_another_code_is_a_change_and_another_reason_is_none(desk: Desk) -> None:
    desk.record("other")
    desk.record(asked=Asked(scope="reports:read", parameters={"month": "*"}))
    desk.change("reports:read:", "reports:write:")
    assert desk.replay().changes == [("other_refusal", "value_not_allowed, now access_denied", 1)]


def test_a_scope_that_nobody_named_is_looked_for_again(desk: Desk) -> None:
    desk.record(asked=Asked(scope="reports:read"))
    desk.record(asked=Asked(scope=None))
    scope = desk.candidate.partition("scopes:\n")[2]
    desk.candidate += scope.replace("reports:read:", "reports:too:")
    told = desk.replay()
    assert (told.changes, told.json["unchanged"]) == ([("now_refused", "no_scope_named", 1)], 1)


def test_an_issuer_that_the_configuration_does_not_have_is_told_apart(desk: Desk) -> None:
    desk.record()
    desk.record("other")
    desk.candidate = desk.candidate.replace("cluster-a", "cluster-b")
    told = desk.replay("--fail-on-change")
    assert (told.code, told.changes) == (1, [("unknown_issuer", "cluster-a", 2)])


def test_what_cannot_be_replayed_is_counted_by_its_reason(desk: Desk) -> None:
    entry = _entry(None, Asked(scope="reports:read"))
    entry.refusal = InvalidToken(Reason.SIGNATURE)
    desk.keep(entry.line())
    desk.record(note="x" * 5_000)
    defect = json.loads(desk.lines[-1])
    desk.lines.append(json.dumps({**defect, "role": None, "code": "internal_error"}).encode() + b"\n")
    told = desk.replay("--fail-on-change")
    assert (told.code, told.changes) == (0, [])
    assert told.json["unreplayable"] == {"nobody": 1, "cut": 1, "undecided": 1}


def test_scopes_of_the_token_itself_are_replayed_where_they_were_recorded(desk: Desk) -> None:
    desk.record()
    desk.record(token_scopes=frozenset())
    desk.record(token_scopes=frozenset({"reports:read"}))
    assert desk.replay().changes == [("now_allowed", "token_scope", 1)]
    desk.change("kind: kubernetes,", "kind: kubernetes, require_token_scope: true,")
    told = desk.replay()
    assert told.changes == []
    assert (told.json["unreplayable"], told.json["unchanged"]) == ({"token_scopes": 1}, 2)


def test_lines_that_are_cut_or_foreign_are_counted_and_stop_nothing(desk: Desk) -> None:
    line = desk.record()
    whole = desk.lines[0]
    desk.lines += [
        whole[: len(whole) // 2] + b"\n",
        b"\n",
        b'{"event":"listening"}\n',
        b"[]\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b"1" * 10_000 + b"\n",
        b'"' + b"x" * (2 << 20) + b'"\n',
        whole.rstrip(b"\n"),
    ]
    told = desk.replay()
    assert line["outcome"] == "issued"
    assert told.json["unchanged"] == 2
    assert (told.json["lines"], told.json["other"], told.json["unreadable"]) == (9, 1, 6)


def test_what_was_asked_for_by_its_role_is_decided_by_its_role_again(desk: Desk) -> None:
    role = "arn:aws:iam::111122223333:role/reports"
    desk.record(asked=Asked(scope=None, role=role, duration=timedelta(hours=12)))
    desk.record(asked=Asked(scope=None, role=f"{role}-of-others"))
    assert desk.replay().json["unchanged"] == 2
    desk.change(f'{{role: "{role}"', f'{{role: "{role}-of-others"')
    assert desk.replay().changes == [("now_refused", "no_grant", 1), ("now_allowed", "no_grant", 1)]


def test_an_older_line_that_says_less_is_compared_by_what_it_says(desk: Desk) -> None:
    line = desk.record()
    later = {"tags", "transitive_tags", "policy_arns", "target", "not_after", "token_expires", "token_scopes"}
    older = {
        name: value for name, value in line.items() if name not in {*later, "scope_named", "asked_duration_seconds"}
    }
    desk.lines = [json.dumps(older).encode() + b"\n"]
    assert desk.replay().json["unchanged"] == 1


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("issuer", 1),
        ("issuer", ["cluster-a"]),
        ("attributes", None),
        ("attributes", {"namespace": None}),
        ("attributes", {"namespace": {"a": "b"}}),
        ("attributes", {"namespace": [1]}),
        ("attributes", {"namespace": "\ud800"}),
        ("parameters", []),
        ("parameters", {"month": 1}),
        ("scope", ["reports:read"]),
        ("scope", {}),
        ("asked_duration_seconds", "900"),
        ("asked_duration_seconds", True),
        ("asked_duration_seconds", 10**30),
        ("asked_duration_seconds", -1),
        ("token_scopes", "a b"),
        ("token_scopes", [None]),
    ],
)
def test_a_member_that_is_of_no_sense_makes_the_line_unreadable(desk: Desk, member: str, value: object) -> None:
    line = desk.record()
    desk.lines.append(json.dumps({**line, member: value}).encode() + b"\n")
    told = desk.replay()
    assert (told.json["unchanged"], told.json["unreadable"], told.changes) == (1, 1, [])


def test_a_code_that_is_of_no_sense_is_none_that_a_configuration_decides(desk: Desk) -> None:
    line = desk.record("other")
    desk.lines += [json.dumps({**line, "code": code}).encode() + b"\n" for code in (None, "revoked", ["access_denied"])]
    told = desk.replay()
    assert (told.json["unchanged"], told.json["unreadable"], told.json["unreplayable"]) == (1, 1, {"undecided": 2})


def test_several_files_compressed_ones_and_standard_input_are_one_trail(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.record()
    line = desk.lines[0]
    plain, packed, cut = (desk.folder / name for name in ("a", "b.gz", "c.gz"))
    plain.write_bytes(line)
    packed.write_bytes(gzip.compress(line * 3))
    cut.write_bytes(gzip.compress(line * 1_000, compresslevel=0)[:5_000])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(line * 2))))
    told = desk.run(str(plain), str(packed), "-", "--format", "json")
    assert (told.json["unchanged"], told.json["unreadable"]) == (6, 0)
    told = desk.run(str(cut), "--format", "json")
    assert told.json["unchanged"] == 5_000 // len(line)
    assert told.json["unreadable"] == 1


def test_a_file_that_is_no_trail_is_not_passed_over(desk: Desk) -> None:
    for text in ("version: 1\nscopes:\n", '{"event":"listening"}\n'):
        desk.audit.write_text(text)
        told = desk.run(str(desk.audit))
        assert (told.code, told.out) == (2, "")
        assert told.err == "vendor: no line is one of an exchange: this is no audit trail\n"
    desk.audit.write_text("")
    assert desk.run(str(desk.audit)).out == "0 exchanges: 0 as they were, 0 changed\n"


def test_what_cannot_be_read_is_told_in_one_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (str(desk.folder / "nothing"), str(desk.folder), "\0"):
        told = desk.run(name)
        assert (told.code, told.out, len(told.err.splitlines())) == (2, "", 1)
    monkeypatch.setattr(sys, "stdin", None)
    told = desk.run("-")
    assert (told.code, len(told.err.splitlines())) == (2, 1)
    desk.record()
    desk.candidate = "version: 2\n"
    told = desk.replay()
    assert (told.code, told.out) == (2, "")


def test_people_read_the_most_frequent_change_first_with_one_example_each(desk: Desk) -> None:
    desk.record("nightly")
    for number in range(3):
        desk.record(f"batch-{number}")
    desk.record()
    desk.lines += [b"{\n", b"{}\n"]
    entry = _entry(None, Asked(scope="reports:read"))
    entry.refusal = InvalidToken(Reason.SIGNATURE)
    desk.keep(entry.line())
    desk.change('[reporter, {glob: "batch-*"}]', "[reporter, nightly]")
    desk.change("duration: 1h", "duration: 2h")
    who = f"{'':10}for example cluster-a system:serviceaccount:analytics:{{}} at 2026-03-01T12:00:00.000Z, "
    who += "request 0123456789abcdef"
    assert desk.replay(form="text").out.splitlines() == [
        "6 exchanges: 0 as they were, 5 changed",
        "       3  reports:read: now refused: no_grant",
        who.format("batch-0"),
        "          grant 0: service_account is 'batch-0', wanted any of 'reporter', 'nightly'",
        "       1  reports:read: now allowed; it was refused: no_grant",
        who.format("nightly"),
        '          now role: "arn:aws:iam::111122223333:role/reports"',
        f'          now policy_sha256: "{json.loads(desk.lines[4])["policy_sha256"]}"',
        "          now duration_seconds: 7200",
        "       1  reports:read: another session: duration_seconds",
        who.format("reporter"),
        "          duration_seconds: 3600, now 7200",
        "       1  cannot be replayed: refused before it was known who asks",
        "       1  lines are cut off or no JSON",
        "       1  lines tell of something else",
    ]


def test_nothing_in_a_line_steers_a_terminal_and_no_token_is_shown(desk: Desk) -> None:
    line = desk.record("batch-1")
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"
    hostile = {**line, "subject": f"\x1b[2J\ud800{token}", "time": "\x9b1m", "request_id": ["\x07"]}
    desk.lines = [json.dumps(hostile).encode() + b"\n"]
    desk.change('[reporter, {glob: "batch-*"}]', "reporter")
    for form in ("text", "json"):
        told = desk.replay(form=form)
        assert not STEERING.search(told.out)
        assert token not in told.out


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(data=st.data())
def test_whatever_stands_in_a_line_ends_in_a_report(desk: Desk, data: st.DataObject) -> None:
    desk.lines = []
    line = desk.record()
    members = data.draw(st.dictionaries(st.sampled_from(sorted(line)), JSON, min_size=1, max_size=4))
    desk.lines.append(json.dumps({**line, **members}).encode() + b"\n")
    desk.candidate = TEXT.replace("role/reports", "role/other")
    told = desk.replay(form=data.draw(st.sampled_from(["text", "json"])))
    assert told.code == 0
    assert told.err == ""


def test_many_lines_of_few_callers_are_decided_once_each_and_fast(desk: Desk) -> None:
    for number in range(20):
        desk.record(f"batch-{number}")
    desk.lines *= 1_000
    desk.change("role/reports", "role/other")
    began = time.process_time()
    told = desk.replay()
    assert told.changes == [("other_session", "role", 20_000)]
    assert told.json["distinct"] == 20
    assert time.process_time() - began < 6  # 100,000 lines in 30 s


def test_replay_needs_a_trail_and_a_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["audit.jsonl"], ["--config", "vendor.yaml"]):
        with pytest.raises(SystemExit) as ended:
            main(["replay", *arguments])
        assert ended.value.code == 2
    assert "usage: vendor replay" in capsys.readouterr().err


def test_what_operators_did_is_in_the_trail_and_no_decision(desk: Desk) -> None:
    desk.record()
    desk.lines += [b'{"event":"revocation","action":"made","revocation":{"id":"inc-7"}}\n']
    stopped = _entry(None, Asked(scope="reports:read"))
    stopped.refusal = Revoked(Reason.REVOKED)
    desk.keep(stopped.line())
    told = desk.replay()
    assert (told.json["unchanged"], told.json["other"], told.json["changed"]) == (1, 1, 0)
