"""`vendor leases`, `who`, `revoke` and `revocations`, against a running service, audit files, and an IAM."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import re
import secrets
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.fakes.iam import Iam
from tests.server.http import get
from tests.service import CONFIGURATION, World
from vendor.cli import main
from vendor.policy.naming import ending

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROLE = "arn:aws:iam::111122223333:role/reports"
PATH = "/v1/credentials/reports:read"


@dataclass(frozen=True)
class Shown:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.out)


class Desk:
    """An operator's terminal."""

    def __init__(self, world: World, iam: Iam, capsys: pytest.CaptureFixture[str]) -> None:
        self.world, self.iam, self._capsys = world, iam, capsys

    async def run(self, *arguments: str) -> Shown:
        """Run a command in a thread, as the servers it asks live in this one."""
        code = await asyncio.to_thread(_exit_code, [*arguments])
        return Shown(code, *self._capsys.readouterr())

    async def json(self, *arguments: str) -> Any:
        """Return what a command prints as JSON."""
        shown = await self.run(*arguments, "--format", "json")
        assert (shown.code, shown.err) == (0, "")
        return shown.json

    async def lend(self, account: str) -> str:
        """Return the key id that a batch job of this name is lent."""
        answer = await self.ask(account)
        assert answer.status == 200, answer.body
        return str(answer.key_id)

    async def ask(self, account: str) -> Any:
        return await get(self.world.service.public, PATH, self.world.token(account))


def _exit_code(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as exc:
        return int(exc.code or 0)


def subject(account: str) -> str:
    return f"system:serviceaccount:analytics:{account}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("world")
    (folder / "kept").mkdir()
    configuration = CONFIGURATION.replace("operations:\n", "operations:\n  revocations: kept/revocations.json\n")
    async with World(folder, configuration=configuration) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def desk(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    token = tmp_path / "token"
    token.write_text(world.token("vendor-operator", namespace="platform"))
    async with Iam() as iam:
        for name, value in {
            "VENDOR_OPERATIONS_URL": world.service.operations,
            "VENDOR_TOKEN_FILE": str(token),
            "AWS_ACCESS_KEY_ID": "AKIARESPONDER0000001",
            "AWS_SECRET_ACCESS_KEY": "CANARY-responder",
            "AWS_ENDPOINT_URL_IAM": iam.url,
            "AWS_ENDPOINT_URL_STS": iam.url,
            "AWS_MAX_ATTEMPTS": "1",
        }.items():
            monkeypatch.setenv(name, value)
        desk = Desk(world, iam, capsys)
        yield desk
        for one in (await desk.json("revocations"))["revocations"]:
            assert (await desk.run("revoke", "--lift", one["id"])).code == 0


async def test_leases_are_listed_with_whose_they_are(desk: Desk) -> None:
    key = await desk.lend("batch-listed")
    told = await desk.json("leases", "--principal", subject("batch-listed"), "--scope", "reports:read")
    assert ([one["access_key_id"] for one in told["leases"]], told["more"]) == ([key], False)
    shown = await desk.run("leases", "--principal", subject("batch-listed"))
    head, row = shown.out.splitlines()
    assert head.split()[:3] == ["ACCESS", "KEY", "ID"]
    assert row.split()[:4] == [key, "reports:read", "cluster-a", subject("batch-listed")]
    assert (await desk.run("leases", "--issuer", "nobody")).out == "no session is out\n"
    await desk.lend("batch-listed-2")
    few = await desk.run("leases", "--limit", "1")
    assert (len(few.out.splitlines()), few.err) == (2, "vendor: there are more than 1; --limit shows them\n")


async def test_who_holds_a_key_is_told_by_the_service(desk: Desk) -> None:
    key = await desk.lend("batch-who")
    told = await desk.json("who", key)
    assert (told["subject"], told["scope"], told["held"]) == (subject("batch-who"), "reports:read", True)
    shown = await desk.run("who", key)
    assert re.search(rf"^  subject +{subject('batch-who')}$", shown.out, re.MULTILINE)
    assert re.search(r"^  attributes +.*\bnamespace=analytics\b", shown.out, re.MULTILINE)
    assert re.search(r"^  held +yes$", shown.out, re.MULTILINE)
    unknown = await desk.run("who", "ASIAUNKNOWN000000000")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err.startswith("vendor: not_found: no session with this access key id is known here")


async def test_who_held_a_key_is_told_by_audit_files_that_may_be_compressed(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await desk.lend("batch-past")
    await desk.lend("batch-past")
    await desk.json("revoke", "--access-key-id", key)
    lines = desk.world.audit_path.read_bytes()
    noise = b'{"event":"exchange"\n[]\n\n{"event":"exchange","outcome":"refused","access_key_id":"%s"}\n' % key.encode()
    never = {"request_id": "late", "access_key_id": key}
    for event in ("withheld", "exchange"):
        noise += json.dumps({"event": event, "outcome": "issued", "subject": "nobody", **never}).encode() + b"\n"
    (tmp_path / "a.jsonl").write_bytes(noise + lines)
    (tmp_path / "b.gz").write_bytes(gzip.compress(lines))
    monkeypatch.delenv("VENDOR_OPERATIONS_URL")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(lines))))
    told = await desk.json("who", key, "--audit", str(tmp_path / "a.jsonl"), str(tmp_path / "b.gz"), "-")
    recorded = [line for line in desk.world.audit() if line.get("access_key_id") == key]
    assert (told["subject"], told["hand_outs"]) == (subject("batch-past"), 6)
    assert (told["first_handed_out"], told["last_handed_out"]) == (recorded[0]["time"], recorded[1]["time"])
    assert told["attributes"] == recorded[0]["attributes"]
    shown = await desk.run("who", key, "--audit", str(tmp_path / "b.gz"))
    assert re.search(rf"^  subject +{subject('batch-past')}$", shown.out, re.MULTILINE)
    nobody = await desk.run("who", "ASIAUNKNOWN000000000", "--audit", str(tmp_path / "a.jsonl"))
    assert (nobody.code, nobody.out) == (1, "nobody was handed ASIAUNKNOWN000000000 in these files\n")
    missing = await desk.run("who", key, "--audit", str(tmp_path / "none"))
    assert (missing.code, len(missing.err.splitlines())) == (2, 1)
    monkeypatch.setenv("VENDOR_OPERATIONS_URL", desk.world.service.operations)


async def test_who_is_stopped_until_lifted_and_what_it_means_is_told(desk: Desk) -> None:
    await desk.lend("batch-stop")
    shown = await desk.run("revoke", "--principal", subject("batch-stop"), "--for", "30m", "--reason", "in a paste")
    assert shown.code == 0
    first, whom, sessions = shown.out.splitlines()
    name = re.fullmatch(r"stopped until \S+Z: revocation ([0-9a-f]{16})", first)
    assert name
    assert whom.split() == ["principal", subject("batch-stop")]
    assert sessions.startswith("sessions of theirs that are out: 1; AWS honours them until ")
    assert (await desk.ask("batch-stop")).code == "revoked"
    listed = await desk.run("revocations")
    assert listed.out.splitlines()[1].split()[0] == name[1]
    assert "in a paste" in listed.out
    lifted = await desk.run("revoke", "--lift", name[1])
    assert lifted.out.splitlines()[0] == f"lifted {name[1]}"
    assert lifted.out.splitlines()[1].startswith("sessions from before that have not ended: 1; AWS honours them until ")
    assert (await desk.ask("batch-stop")).status == 200
    assert (await desk.run("revocations")).out == "nobody is stopped\n"
    again = await desk.run("revoke", "--lift", name[1])
    assert (again.code, again.out) == (1, "")
    assert again.err.startswith("vendor: not_found: there is no revocation with this id")


@pytest.mark.parametrize(
    ("said", "whom"),
    [
        (["--scope", "reports:read"], {"scope": "reports:read"}),
        (
            ["--issuer", "cluster-a", "--attribute", "namespace=a=b"],
            {"issuer": "cluster-a", "attributes": {"namespace": "a=b"}},
        ),
        (
            ["--attribute", 'service_account:={"glob":"batch-*"}', "--attribute", 'pod:="1"'],
            {"attributes": {"service_account": {"glob": "batch-*"}, "pod": "1"}},
        ),
        (["--scope", "reports:read", "--principal", "x"], {"scope": "reports:read", "principal": "x"}),
    ],
)
async def test_whom_to_stop_can_be_said_in_every_way(desk: Desk, said: list[str], whom: dict[str, Any]) -> None:
    made = await desk.json("revoke", *said, "--until", "2026-12-01T00:00:00Z")
    assert {name: made[name] for name in whom} == whom
    assert made["until"] == "2026-12-01T00:00:00Z"
    (listed,) = (await desk.json("revocations"))["revocations"]
    assert listed["id"] == made["id"]


async def test_a_deny_policy_is_printed_alone_and_names_every_session_of_the_principal(desk: Desk) -> None:
    await desk.lend("batch-deny")
    shown = await desk.run(
        "revoke", "--principal", subject("batch-deny"), "--issuer", "cluster-a", "--print-deny-policy"
    )
    printed = shown.json
    (made,) = (await desk.json("revocations"))["revocations"]
    assert shown.err.startswith("stopped until ")
    assert printed["policy_name"] == f"vendor-revocation-{made['id']}"
    (statement,) = printed["roles"][ROLE]["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Deny", "*", "*")
    assert statement["Sid"] == f"VendorRevocation{made['id']}"
    assert statement["Condition"]["StringLike"] == {
        "aws:userid": [f"*:*{ending(desk.world.issuer.issuer, subject('batch-deny'))}"]
    }
    assert re.fullmatch(
        r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ", statement["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
    )
    assert (made["deny_policy"], desk.iam.policies) == (False, {})


async def test_sessions_are_denied_by_name_where_several_principals_are_stopped(desk: Desk) -> None:
    keys = [await desk.lend(f"batch-many-{number}") for number in range(2)]
    names = sorted([(await desk.json("who", key))["session_name"] for key in keys])
    said = ["--attribute", 'service_account:={"glob":"batch-many-*"}', "--print-deny-policy"]
    (statement,) = (await desk.run("revoke", *said)).json["roles"][ROLE]["Statement"]
    assert statement["Condition"]["StringLike"]["aws:userid"] == [f"*:{name}" for name in names]
    (statement,) = (await desk.run("revoke", *said, "--whole-role")).json["roles"][ROLE]["Statement"]
    assert list(statement["Condition"]) == ["DateLessThan"]


async def test_a_deny_policy_is_attached_and_taken_off_with_the_revocation(desk: Desk) -> None:
    key = await desk.lend("batch-apply")
    desk.iam.date = "Wed, 02 Dec 2026 03:04:05 GMT"
    shown = await desk.run("revoke", "--access-key-id", key, "--apply")
    assert (shown.code, shown.err) == (0, "")
    (made,) = (await desk.json("revocations"))["revocations"]
    assert (made["deny_policy"], made["roles"]) == (True, [ROLE])
    assert shown.out.splitlines()[-2:] == [
        f"attached vendor-revocation-{made['id']} to {ROLE}",
        "AWS takes it up within seconds as a rule; its word is that it might take a few minutes",
    ]
    ((role, name), document), *others = desk.iam.policies.items()
    assert ((role, name), others) == (("reports", f"vendor-revocation-{made['id']}"), [])
    issued = json.loads(document)["Statement"][0]["Condition"]["DateLessThan"]
    assert issued == {"aws:TokenIssueTime": "2026-12-02T03:04:06Z"}, "AWS's clock counts, not ours"
    assert "denied" in (await desk.run("revocations")).out
    lifted = await desk.run("revoke", "--lift", made["id"])
    assert lifted.out.splitlines()[:2] == [f"lifted {made['id']}", f"took its policy off {ROLE}"]
    assert desk.iam.policies == {}
    assert (await desk.ask("batch-apply")).status == 200


async def test_aws_can_be_told_later_and_lifting_undoes_that_too(desk: Desk) -> None:
    await desk.lend("batch-later")
    name = f"inc-{secrets.token_hex(4)}"
    said = ["revoke", "--principal", subject("batch-later"), "--issuer", "cluster-a", "--id", name]
    assert (await desk.json(*said))["deny_policy"] is False
    assert (await desk.json(*said, "--apply"))["deny_policy"] is True
    assert desk.iam.policies
    assert (await desk.json("revoke", "--lift", name))["taken_off"] == [ROLE]
    assert desk.iam.policies == {}


async def test_they_are_stopped_although_aws_does_not_deny_them_and_it_can_be_tried_again(desk: Desk) -> None:
    await desk.lend("batch-refused")
    desk.iam.refuses = "PutRolePolicy"
    name = f"inc-{secrets.token_hex(4)}"
    said = ["revoke", "--principal", subject("batch-refused"), "--issuer", "cluster-a", "--id", name, "--apply"]
    shown = await desk.run(*said)
    assert shown.code == 1
    first, second = shown.err.splitlines()
    assert first.startswith("vendor: AWS does not deny all of their sessions: AWS says: ")
    assert "AccessDenied" in first
    assert second == f"vendor: the service stops them all the same; try again with --id {name}"
    assert (await desk.ask("batch-refused")).code == "revoked"
    desk.iam.refuses = ""
    assert (await desk.json(*said))["attached"] == [{"role": ROLE, "policy_name": f"vendor-revocation-{name}"}]
    desk.iam.refuses = "DeleteRolePolicy"
    kept = await desk.run("revoke", "--lift", name)
    assert (kept.code, kept.out) == (1, "")
    assert kept.err.startswith("vendor: nobody is let on, as AWS goes on denying them: ")
    assert (await desk.ask("batch-refused")).code == "revoked"
    desk.iam.refuses = ""
    desk.iam.policies.clear()
    told = await desk.json("revoke", "--lift", name)
    assert (told["taken_off"], told["lifted"]["id"]) == ([], name), "what was taken off by hand is no hindrance"


async def test_a_role_of_another_account_is_left_alone(desk: Desk) -> None:
    await desk.lend("batch-account")
    desk.iam.account = "444455556666"
    shown = await desk.run("revoke", "--principal", subject("batch-account"), "--issuer", "cluster-a", "--apply")
    assert shown.code == 1
    assert "is of another account than the environment's AWS identity" in shown.err
    assert desk.iam.policies == {}
    desk.iam.account = "111122223333"


async def test_roles_can_be_named_where_the_service_knows_of_none(desk: Desk) -> None:
    other = "arn:aws:iam::111122223333:role/path/other"
    said = ["revoke", "--principal", subject("nobody"), "--issuer", "cluster-a"]
    nothing = await desk.run(*said, "--apply")
    assert (nothing.code, nothing.err) == (0, "vendor: no role is known that AWS could deny them: --role names one\n")
    made = await desk.json(*said, "--apply", "--role", other)
    assert made["roles"] == [other]
    assert [role for role, _ in desk.iam.policies] == ["other"]
    unknown = await desk.run("revoke", "--scope", "reports:read", "--apply", "--role", other)
    assert unknown.code == 1
    assert f"no session of {other} is known to be theirs: --whole-role denies all of it" in unknown.err
    await desk.run("revoke", "--lift", made["id"])
    desk.iam.policies["other", f"vendor-revocation-{made['id']}"] = "{}"
    ended = await desk.run("revoke", "--lift", made["id"], "--role", other)
    assert ended.out.splitlines() == [
        f"the service stops nobody by {made['id']} any more",
        f"took its policy off {other}",
    ]
    assert not [name for _, name in desk.iam.policies if name.endswith(made["id"])]


async def test_an_operator_is_told_where_a_restart_would_let_them_on(desk: Desk) -> None:
    folder = desk.world.folder / "kept"
    folder.rename(desk.world.folder / "away")
    shown = await desk.run("revoke", "--principal", subject("nobody"))
    assert shown.code == 0
    assert shown.err == (
        "vendor: one process alone knows of this for now: other replicas do not, and a restart forgets it\n"
    )
    (desk.world.folder / "away").rename(folder)


@pytest.mark.parametrize(
    "said",
    [
        ["revoke"],
        ["revoke", "--reason", "nobody"],
        ["revoke", "--scope", "s", "--attribute", "namespace"],
        ["revoke", "--attribute", "Name=value"],
        ["revoke", "--attribute", "a=b", "--attribute", "a=c"],
        ["revoke", "--attribute", "a:={"],
        ["revoke", "--scope", "s", "--for", "soon"],
        ["revoke", "--scope", "s", "--for", "1h", "--until", "2026-12-01T00:00:00Z"],
        ["revoke", "--lift", "x", "--scope", "s"],
        ["revoke", "--lift", "x", "--print-deny-policy"],
        ["revoke", "--scope", "s", "--apply", "--print-deny-policy"],
        ["who"],
        ["who", "../x"],
        ["who", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"],
        ["leases", "--limit", "x"],
        ["leases", "--limit", "0"],
        ["leases", "--limit", "-1"],
    ],
)
async def test_what_cannot_be_meant_is_usage(desk: Desk, said: list[str]) -> None:
    shown = await desk.run(*said)
    assert (shown.code, shown.out) == (2, "")
    assert "Traceback" not in shown.err
    assert "eyJhbGciOiJub25lIn0" not in shown.err


async def test_who_is_no_operator_is_refused_in_one_line(desk: Desk, tmp_path: Path) -> None:
    workload = tmp_path / "workload"
    workload.write_text(desk.world.token())
    for said in (["leases"], ["who", "ASIAEXAMPLE000000000"], ["revocations"], ["revoke", "--scope", "reports:read"]):
        shown = await desk.run(*said, "--token-file", str(workload))
        assert (shown.code, shown.out, len(shown.err.splitlines())) == (1, "", 1)
        assert shown.err.startswith("vendor: access_denied: this identity is no operator")


async def test_a_service_that_is_not_there_is_its_own_exit_code(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{probe.getsockname()[1]}"
        monkeypatch.setattr("vendor.cli.operations._PATIENCE", 0.2)
        shown = await desk.run("leases", "--url", nowhere)
    assert (shown.code, shown.out, len(shown.err.splitlines())) == (3, "", 1)
    monkeypatch.setattr("vendor.cli.operations._PATIENCE", 10.0)
    for url in ("", "http://operations.example.com", "ftp://x"):
        monkeypatch.setenv("VENDOR_OPERATIONS_URL", url)
        shown = await desk.run("revocations")
        assert (shown.code, len(shown.err.splitlines())) == (2, 1)
    monkeypatch.setenv("VENDOR_OPERATIONS_URL", desk.world.service.operations)


async def test_an_aws_identity_that_cannot_be_found_is_told_and_they_are_stopped_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.lend("batch-identity")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    said = ["revoke", "--principal", subject("batch-identity"), "--issuer", "cluster-a", "--apply"]
    shown = await desk.run(*said)
    assert (shown.code, "AWS cannot be asked: Unable to locate credentials" in shown.err) == (1, True)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    shown = await desk.run(*said)
    assert (shown.code, "nobody" in shown.err) == (1, True)
    assert (await desk.ask("batch-identity")).code == "revoked"
    monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIARESPONDER0000001")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "CANARY-responder")
