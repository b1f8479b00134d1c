from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiobotocore.session
import boto3
import botocore.session
import pytest

import vendor.client
from tests.client.conftest import ROOT
from tests.client.service import TOKEN, Handler, Service, answered, golden, raw, refused, vended
from vendor.client import AccessDenied, AsyncClient, Client, UsageError, install, storage_options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LISTING = b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><KeyCount>3</KeyCount></ListBucketResult>'
ROLE = "arn:aws:iam::111122223333:role/further"
ASSUMED = f"""\
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>\
<AccessKeyId>ASIAFURTHER</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><Arn>{ROLE}/x</Arn>\
<AssumedRoleId>A:x</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>""".encode()


def at(**when: float) -> str:
    return f"{datetime.now(UTC) + timedelta(**when):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def client(environ: dict[str, str]) -> Client:
    return Client(environ=environ)


@pytest.fixture
def named(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The environment of a pod, and a file of profiles."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    return config


def test_a_session_of_boto3_signs_with_what_was_vended(client: Client, service: Service) -> None:
    session = vendor.client.boto3_session("reports:read", client=client, region_name="eu-west-1", month="2026-03")
    assert isinstance(session, boto3.Session)
    assert not service.asked  # until something is to be signed
    with Service(answered(200, LISTING, Content_Type="application/xml")) as s3:
        for _ in range(3):
            assert session.client("s3", endpoint_url=s3.url).list_objects_v2(Bucket="bkt")["KeyCount"] == 3
        assert "Credential=ASIAIOSFODNN7EXAMPLE/" in s3.asked[0].headers["Authorization"]
        assert s3.asked[0].headers["X-Amz-Security-Token"] == golden()["Token"]
    assert len(service.asked) == 1
    assert service.asked[0].body == b'{"parameters": {"month": "2026-03"}}'
    assert session.get_credentials().account_id == "111122223333"


def test_a_session_finds_service_and_token_by_itself(named: Path, service: Service) -> None:
    assert not named.exists()
    assert vendor.client.boto3_session("a", duration=timedelta(hours=1)).get_credentials().access_key
    assert service.asked[0].body == b'{"parameters": {}, "duration_seconds": 3600}'


def test_a_session_renews_when_the_service_says_so(client: Client, service: Service) -> None:
    service.then(
        vended(AccessKeyId="ASIA1", RefreshAfter=at(seconds=-1), Expiration=at(minutes=5)),
        vended(AccessKeyId="ASIA2"),
    )
    credentials = vendor.client.boto3_session("a", client=client).get_credentials()
    assert credentials.get_frozen_credentials().access_key == "ASIA1"
    time.sleep(1.1)
    until = time.monotonic() + 10
    while credentials.get_frozen_credentials().access_key != "ASIA2":
        assert time.monotonic() < until
        time.sleep(0.02)
    assert len(service.asked) == 2


def test_short_sessions_are_not_asked_for_at_each_use(client: Client, service: Service) -> None:
    service.then(vended(Expiration=at(minutes=14), RefreshAfter=at(minutes=9)))  # botocore asks below 15 minutes
    credentials = vendor.client.boto3_session("a", client=client).get_credentials()
    for _ in range(20):
        credentials.get_frozen_credentials()
    assert len(service.asked) == 1


def test_an_outage_is_not_seen_before_the_end(client: Client, service: Service) -> None:
    service.then(vended(Expiration=at(minutes=5), RefreshAfter=at(seconds=-1)), raw())
    credentials = vendor.client.boto3_session("a", client=client).get_credentials()
    for _ in range(3):
        assert credentials.get_frozen_credentials().access_key == "ASIAIOSFODNN7EXAMPLE"


def test_a_refusal_is_raised_where_it_is_signed(client: Client, service: Service) -> None:
    service.then(refused(403, "access_denied", "this identity may not have this scope"))
    session = vendor.client.boto3_session("a", client=client, region_name="eu-west-1")
    with pytest.raises(AccessDenied, match="may not have this scope"):
        session.client("s3", endpoint_url="http://127.0.0.1:1").list_buckets()


def test_threads_of_a_session_share_one_fetch(client: Client, service: Service) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(0.2)
        vended()(handler)

    service.then(slow)
    credentials = vendor.client.boto3_session("a", client=client).get_credentials()
    threads = [threading.Thread(target=credentials.get_frozen_credentials) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(service.asked) == 1


async def test_aiobotocore_signs_with_what_was_vended(client: Client, service: Service) -> None:
    session = vendor.client.aiobotocore_session("a", client=client, month="2026-03")
    with Service(answered(200, LISTING, Content_Type="application/xml")) as s3:
        async with session.create_client("s3", endpoint_url=s3.url, region_name="eu-west-1") as made:
            assert (await made.list_objects_v2(Bucket="bkt"))["KeyCount"] == 3
            await made.list_objects_v2(Bucket="bkt")
        assert "Credential=ASIAIOSFODNN7EXAMPLE/" in s3.asked[0].headers["Authorization"]
    assert len(service.asked) == 1


def test_fsspec_is_given_such_a_session(client: Client) -> None:
    options = storage_options("a", client=client, duration=3600)
    assert list(options) == ["session"]
    assert isinstance(options["session"], aiobotocore.session.AioSession)


# Profiles.


@pytest.mark.parametrize("by", ["variable", "argument"])
def test_a_profile_with_a_scope_is_understood(
    named: Path, service: Service, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    named.write_text(
        "[profile reports]\nvendor_scope = reports:read\nvendor_parameters = month=2026-03 team=a\n"
        f"vendor_duration = 1h\nvendor_url = {service.url}\n"
    )
    monkeypatch.setenv("VENDOR_URL", "https://other.example")
    if by == "variable":
        monkeypatch.setenv("AWS_PROFILE", "reports")
    session = boto3.Session(profile_name="reports" if by == "argument" else None)
    install(session)
    credentials = session.get_credentials()
    assert (credentials.method, credentials.access_key) == ("vendor", "ASIAIOSFODNN7EXAMPLE")
    assert service.asked[0].body == (b'{"parameters": {"month": "2026-03", "team": "a"}, "duration_seconds": 3600}')


@pytest.fixture
def two_profiles(named: Path) -> None:
    named.write_text("[profile reports]\nvendor_scope = reports:read\n[profile plain]\nregion = eu-west-1\n")


@pytest.mark.usefixtures("two_profiles")
async def test_a_profile_is_understood_by_aiobotocore(service: Service) -> None:
    session = aiobotocore.session.AioSession(profile="reports")
    install(session)
    credentials = await session.get_credentials()
    assert (await credentials.get_frozen_credentials()).access_key == "ASIAIOSFODNN7EXAMPLE"
    plain = aiobotocore.session.AioSession(profile="plain")
    install(plain)
    assert await plain.get_credentials() is None
    assert len(service.asked) == 1


def test_other_profiles_are_left_alone(named: Path, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    named.write_text("[profile plain]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAMINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    session = botocore.session.Session()
    install(session)
    assert session.get_credentials().access_key == "AKIAMINE"
    plain = botocore.session.Session(profile="plain")
    install(plain)
    assert plain.get_credentials() is None
    assert not service.asked


def test_a_role_can_be_assumed_with_a_scopes_credentials(named: Path, service: Service) -> None:
    with Service(answered(200, ASSUMED, Content_Type="text/xml")) as sts:
        named.write_text(
            f"[profile further]\nrole_arn = {ROLE}\ncredential_source = Vendor\nvendor_scope = reports:read\n"
            f"region = eu-west-1\nendpoint_url = {sts.url}\n"
        )
        session = boto3.Session(profile_name="further")
        install(session)
        assert session.get_credentials().get_frozen_credentials().access_key == "ASIAFURTHER"
        assert "Credential=ASIAIOSFODNN7EXAMPLE/" in sts.asked[0].headers["Authorization"]
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("vendor_parameters = month", "vendor_parameters reads"),
        ("vendor_duration = 1 day", "vendor_duration reads"),
        ("vendor_url = http://vendor.example", "must not travel in clear"),
        ("vendor_scope = A b", "no scope has this name"),
    ],
)
def test_a_profile_that_cannot_be_used_is_told(named: Path, line: str, reason: str) -> None:
    scope = "" if line.startswith("vendor_scope") else "vendor_scope = a\n"
    named.write_text(f"[profile p]\n{scope}{line}\n")
    session = boto3.Session(profile_name="p")
    install(session)
    with pytest.raises(UsageError, match=reason):
        session.get_credentials()


# asyncio.


async def test_the_async_twin_fetches(environ: dict[str, str], service: Service) -> None:
    twin = AsyncClient(environ=environ)
    assert (await twin.credentials("reports:read", month="2026-03")).scope == "reports:read"
    service.then(answered(200, {"scopes": [{"name": "a"}]}))
    assert [scope.name for scope in await twin.scopes()] == ["a"]
    service.then(answered(200, {"Url": "https://signin", "Expiration": at(hours=1)}))
    assert (await twin.console("a")).url == "https://signin"


def test_the_async_twin_has_the_same_questions() -> None:
    def questions(kind: type) -> dict[str, list[str]]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(each).parameters) for name, each in found if not name.startswith("_")}

    alone = {"scope_or_default", "token"}  # what asks the service for nothing
    assert {name: each for name, each in questions(Client).items() if name not in alone} == questions(AsyncClient)


async def test_the_async_twin_asks_for_what_is_no_credentials(environ: dict[str, str], service: Service) -> None:
    given = {"Type": "JWT", "Token": TOKEN, "Expiration": at(minutes=5)}
    service.then(answered(200, given))
    twin = AsyncClient(environ=environ)
    assert (await twin.identity_token("a", audience="x")).token == TOKEN
    assert await twin.document("a", parameters={}) == given


async def test_the_async_twin_raises_what_the_service_refuses(environ: dict[str, str], service: Service) -> None:
    service.then(refused(403, "access_denied"))
    with pytest.raises(AccessDenied):
        await AsyncClient(environ=environ).credentials("a")


async def test_many_calls_at_once_stay_within_bounds_and_block_nobody(
    environ: dict[str, str], service: Service
) -> None:
    present: list[int] = []

    def slow(handler: Handler) -> None:
        present.append(threading.active_count())
        time.sleep(0.05)
        vended()(handler)

    service.then(slow)
    before = threading.active_count()
    twin = AsyncClient(environ=environ)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await asyncio.gather(*(twin.credentials("a") for _ in range(64)))
    ticking.cancel()
    assert ticks > 5
    assert max(present) - before <= 2 * 16 + 1  # ours and the scripted service's


async def test_a_call_that_is_cancelled_returns_at_once(environ: dict[str, str], service: Service) -> None:
    def hang(handler: Handler) -> None:
        handler.rfile.read(1)

    service.then(hang)
    twin = AsyncClient(environ=environ, timeout=2)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await twin.credentials("a")
    assert time.monotonic() - began < 1.5


def test_a_program_ends_though_a_request_hangs(environ: dict[str, str], service: Service) -> None:
    def hang(handler: Handler) -> None:
        handler.rfile.read(1)

    service.then(hang)
    script = (
        "import asyncio\nfrom vendor.client import AsyncClient\n"
        "async def main():\n    try:\n        await asyncio.wait_for(AsyncClient(timeout=30).credentials('a'), 0.3)\n"
        "    except TimeoutError:\n        print('left')\n"
        "asyncio.run(main())\n"
    )
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], env=environ, cwd=ROOT, capture_output=True, text=True, timeout=25, check=True
    )
    assert (done.stdout, done.stderr) == ("left\n", "")
    assert time.monotonic() - began < 20


# The package.


def test_the_token_can_be_given_itself(service: Service) -> None:
    assert Client(service.url, token=TOKEN, environ={}).credentials("a").scope
    with pytest.raises(UsageError, match="the token that was given holds no JWT"):
        Client(service.url, token="x", environ={}).credentials("a")
    assert TOKEN not in repr(Client(service.url, token=TOKEN, environ={}))


@pytest.mark.parametrize(
    ("make", "library"),
    [
        (vendor.client.boto3_session, "boto3"),
        (vendor.client.botocore_session, "botocore"),
        (vendor.client.aiobotocore_session, "aiobotocore"),
        (storage_options, "aiobotocore"),
    ],
)
def test_who_lacks_a_library_is_told_how_to_install_it(
    make: Callable[..., Any], library: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [library, *(each for each in sys.modules if each.startswith(f"{library}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=f"this needs {library}: pip install {library}"):
        make(client=client)


def test_all_that_is_named_is_there() -> None:
    for name in vendor.client.__all__:
        assert getattr(vendor.client, name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        vendor.client.nothing  # noqa: B018


def test_what_is_slow_to_load_is_loaded_when_it_is_asked_for() -> None:
    script = "import sys, vendor.client; print(*{'asyncio', 'botocore', 'boto3', 'typing'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-S", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "\n"
