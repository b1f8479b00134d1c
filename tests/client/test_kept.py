from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.service import TOKEN, Handler, Service, refused, vended
from vendor.client.kept import folder_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Vend = Callable[..., subprocess.CompletedProcess[str]]


def token(**claims: Any) -> str:
    parts = ({"alg": "RS256"}, {"iss": "https://issuer", "sub": "reporter", **claims})
    head, payload = (urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{payload}.c2ln"


def at(**when: float) -> str:
    return f"{datetime.now(UTC) + timedelta(**when):%Y-%m-%dT%H:%M:%SZ}"


def key(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stderr) == (0, "")
    return str(json.loads(done.stdout)["AccessKeyId"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".cache" / "vend"


def test_a_second_run_does_not_ask_again(inside: Vend, service: Service, folder: Path) -> None:
    service.then(vended(AccessKeyId="ASIA1"), vended(AccessKeyId="ASIA2"))
    assert [key(inside("process", "reports:read")) for _ in range(3)] == ["ASIA1"] * 3
    assert len(service.asked) == 1
    (kept,) = folder.glob("*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert TOKEN not in kept.read_text()


def test_a_cache_can_be_done_without(inside: Vend, service: Service, folder: Path) -> None:
    for _ in range(2):
        key(inside("process", "reports:read", "--no-cache"))
    assert len(service.asked) == 2
    assert not folder.exists()


def test_where_nobody_is_at_home_nothing_is_kept(inside: Vend, service: Service) -> None:
    for _ in range(2):
        key(inside("process", "reports:read", HOME=""))
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"HOME": "/h"}, "/h/.cache/vend"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "/x/vend"),
        ({"HOME": "/h", "XDG_CACHE_HOME": "relative"}, "/h/.cache/vend"),  # the specification: ignore it
        ({}, "None"),
    ],
)
def test_it_is_kept_where_caches_belong(environ: dict[str, str], folder: str) -> None:
    assert str(folder_of(environ)) == folder


@pytest.mark.parametrize(
    "arguments",
    [
        ["process", "reports:write"],
        ["process", "reports:read", "--param", "month=2026-04"],
        ["process", "reports:read", "--duration", "30m"],
    ],
)
def test_what_is_asked_otherwise_is_another_entry(inside: Vend, service: Service, arguments: list[str]) -> None:
    service.then(vended(AccessKeyId="ASIA1"), vended(AccessKeyId="ASIA2"))
    assert key(inside("process", "reports:read", "--param", "month=2026-03")) == "ASIA1"
    assert key(inside(*arguments)) == "ASIA2"


@pytest.mark.parametrize(
    "claims",
    [{"sub": "other"}, {"iss": "https://other"}, {"ref": "refs/heads/x"}, {"aud": "other"}],
)
def test_another_identity_is_never_handed_what_is_kept(inside: Vend, service: Service, claims: dict[str, str]) -> None:
    service.then(vended(AccessKeyId="ASIA1"), vended(AccessKeyId="ASIA2"))
    assert key(inside("process", "a", VENDOR_TOKEN_FILE="", VENDOR_TOKEN=token())) == "ASIA1"
    assert key(inside("process", "a", VENDOR_TOKEN_FILE="", VENDOR_TOKEN=token(**claims))) == "ASIA2"


def test_a_fresh_token_of_the_same_identity_is_handed_it(inside: Vend, service: Service) -> None:
    for number in range(2):
        key(inside("process", "a", VENDOR_TOKEN_FILE="", VENDOR_TOKEN=token(iat=number, exp=number, jti=str(number))))
    assert len(service.asked) == 1


@pytest.mark.parametrize("payload", ["bm90IGpzb24", "W10", "e30", "a"])
def test_a_token_that_says_nothing_readable_is_told_apart_by_all_of_it(
    inside: Vend, service: Service, payload: str
) -> None:
    for signature in ("c2ln", "c2ln", "b3RoZXI"):
        key(inside("process", "a", VENDOR_TOKEN_FILE="", VENDOR_TOKEN=f"e30.{payload}.{signature}"))
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    "stale",
    [
        lambda: {"RefreshAfter": at(seconds=-1)},
        lambda: {"RefreshAfter": None, "Expiration": at(minutes=19)},
        lambda: {"RefreshAfter": None, "LastUpdated": None, "Expiration": at(minutes=19)},
        lambda: {"RefreshAfter": None, "LastUpdated": at(minutes=-11), "Expiration": at(minutes=4)},
    ],
    ids=range(4),
)
def test_what_will_end_soon_is_asked_for_again(
    inside: Vend, service: Service, stale: Callable[[], dict[str, Any]]
) -> None:
    service.then(vended(**{"AccessKeyId": "ASIA1", "LastUpdated": at(minutes=-50), **stale()}), vended())
    assert key(inside("process", "a")) == "ASIA1"
    assert key(inside("process", "a")) == "ASIAIOSFODNN7EXAMPLE"


def test_short_sessions_are_kept_for_most_of_their_life(inside: Vend, service: Service) -> None:
    service.then(vended(RefreshAfter=None, Expiration=at(minutes=15)))
    for _ in range(2):
        key(inside("process", "a"))
    assert len(service.asked) == 1


@pytest.mark.parametrize("away", [refused(503, "sts_unavailable"), refused(429, "rate_limited")])
def test_while_the_service_is_away_what_is_kept_is_used_to_its_end(
    inside: Vend, service: Service, away: Callable[[Handler], None]
) -> None:
    service.then(vended(RefreshAfter=at(seconds=-1), Expiration=at(minutes=5)), away)
    for _ in range(2):
        key(inside("process", "a", "--timeout", "1s"))
    assert len(service.asked) > 1


def test_the_last_minute_is_not_used(inside: Vend, service: Service) -> None:
    service.then(vended(Expiration=at(seconds=50), RefreshAfter=at(seconds=-1)), refused(503, "overloaded"))
    key(inside("process", "a"))
    assert inside("process", "a", "--timeout", "1s").returncode == 1


def test_a_service_out_of_reach_is_no_reason_to_stop(inside: Vend) -> None:
    with Service(vended(RefreshAfter=at(seconds=-1))) as running:
        key(inside("process", "a", "--url", running.url))
        url = running.url
    key(inside("process", "a", "--url", url, "--timeout", "1s"))


def test_a_refusal_for_good_ends_what_is_kept(inside: Vend, service: Service) -> None:
    service.then(vended(RefreshAfter=at(seconds=-1)), refused(403, "revoked"))
    key(inside("process", "a"))
    assert inside("process", "a").returncode == 1


def test_runs_at_the_same_time_ask_once(vend: Vend, service: Service) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(0.5)
        vended()(handler)

    service.then(slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: key(vend("process", "a")), range(4)))
    assert len(service.asked) == 1


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o705])
def test_a_folder_that_others_can_use_is_not_used(inside: Vend, service: Service, folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    for _ in range(2):
        key(inside("process", "a"))
    assert len(service.asked) == 2
    assert not list(folder.iterdir())


def test_a_link_in_place_of_the_folder_is_not_followed(
    inside: Vend, service: Service, folder: Path, tmp_path: Path
) -> None:
    folder.parent.mkdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    key(inside("process", "a"))
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_home_that_cannot_be_written_to_is_done_without(inside: Vend, service: Service) -> None:
    for _ in range(2):
        key(inside("process", "a", HOME="/proc"))
    assert len(service.asked) == 2


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"AccessKeyId": "ASIA9"}', b"[" * 60_000])
def test_a_file_that_is_no_answer_is_asked_for_again(
    inside: Vend, service: Service, folder: Path, content: bytes
) -> None:
    key(inside("process", "a"))
    (kept,) = folder.glob("*.json")
    kept.write_bytes(content)
    key(inside("process", "a"))
    assert len(service.asked) == 2
    key(inside("process", "a"))
    assert len(service.asked) == 2


def test_a_file_that_others_could_read_is_asked_for_again(inside: Vend, service: Service, folder: Path) -> None:
    key(inside("process", "a"))
    (kept,) = folder.glob("*.json")
    kept.chmod(0o640)
    key(inside("process", "a"))
    assert len(service.asked) == 2
    (kept,) = folder.glob("*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_link_in_place_of_the_file_is_not_followed(
    inside: Vend, service: Service, folder: Path, tmp_path: Path
) -> None:
    key(inside("process", "a"))
    (kept,) = folder.glob("*.json")
    kept.rename(tmp_path / "elsewhere")
    kept.symlink_to(tmp_path / "elsewhere")
    key(inside("process", "a"))
    assert len(service.asked) == 2


def test_what_is_old_is_swept(inside: Vend, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True)
    old, young = folder / "old.json", folder / "young.json"
    for path in (old, young):
        path.touch()
    (folder / "folder").mkdir()
    for path in (old, folder / "folder"):
        os.utime(path, (0, 0))
    key(inside("process", "a"))
    assert (old.exists(), young.exists()) == (False, True)
    assert len(list(folder.glob("*.json"))) == 2, "what cannot be swept must not keep anything from being kept"


def test_a_full_disk_keeps_nothing_and_refuses_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)); import signal; "
    limited += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from vendor.client.command import main; sys.exit(main())"
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", limited, "process", "a"],
        env={"HOME": str(tmp_path), **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert key(done)
    assert not [path for path in (tmp_path / ".cache" / "vend").iterdir() if path.suffix != ".lock"]
