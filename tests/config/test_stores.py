"""What a store may be, and what is found of one that cannot be."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.config.sound import changed, loaded, told
from vendor.config import load

if TYPE_CHECKING:
    from pathlib import Path

    from vendor.config.values import SharedStore

KEY = bytes(range(32))
AT = "store.redis"


def text(redis: str) -> str:
    return changed("version: 1\n", f"version: 1\nstore: {{redis: {{{redis}}}}}\n")


def with_keys(redis: str) -> str:
    return text(f"{redis}, encryption_keys: [{{id: k1, file: k1}}]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "k1").write_bytes(KEY)
    (tmp_path / "k2").write_bytes(base64.b64encode(KEY) + b"\n")
    return tmp_path


def made(folder: Path, redis: str, environ: dict[str, str] | None = None) -> SharedStore:
    store = loaded(folder, with_keys(redis), environ).store
    assert store
    return store


def test_what_is_not_said_of_a_store(folder: Path) -> None:
    store = made(folder, "url: rediss://redis.internal")
    assert (store.nodes, store.database, store.user, store.password) == ((("redis.internal", 6379),), 0, None, None)
    assert (store.tls, store.cluster, store.service, store.prefix) == (True, False, None, "vendor")
    assert store.keys == (("k1", folder / "k1"),)


def test_without_a_store_nothing_is_shared(folder: Path) -> None:
    assert loaded(folder, changed("version: 1\n", "version: 1\nstore: memory\n")).store is None


def test_what_may_be_said_of_a_store(folder: Path) -> None:
    said = (
        "url: 'rediss://us%65r@redis.internal:6380/3', password: '${env:PASSWORD}', ca_file: ca.pem, prefix: a-b,"
        " certificate: a.pem, private_key: b.pem"
    )
    store = made(folder, said, {"PASSWORD": "p@/:#?%41"})
    assert (store.nodes, store.database) == ((("redis.internal", 6380),), 3)
    assert (store.user, store.password, store.prefix) == ("user", "p@/:#?%41", "a-b")
    assert (store.ca_file, store.certificate, store.private_key) == tuple(
        folder / name for name in ("ca.pem", "a.pem", "b.pem")
    )
    assert "p@/" not in repr(store)


def test_a_password_may_stand_in_the_url(folder: Path) -> None:
    store = made(folder, "url: 'rediss://user:${file:password}@[::1]:6380'".replace("${file:password}", "p%40ss"))
    assert (store.nodes, store.user, store.password) == ((("::1", 6380),), "user", "p@ss")


def test_a_cluster_and_sentinels_have_several_nodes(folder: Path) -> None:
    nodes = "nodes: ['a:1', '[::1]:2', 'one.internal:6379']"
    cluster = made(folder, f"url: rediss://one.internal, cluster: true, {nodes}")
    assert cluster.nodes == (("one.internal", 6379), ("a", 1), ("::1", 2))
    sentinel = "sentinel: {service: primary, user: u, password: p}"
    other = made(folder, f"url: rediss://one.internal, {sentinel}, {nodes}")
    assert other.nodes == (("one.internal", 26379), ("a", 1), ("::1", 2), ("one.internal", 6379))
    assert (other.service, other.sentinel_user, other.sentinel_password) == ("primary", "u", "p")


def test_several_keys_keep_their_order(folder: Path) -> None:
    keys = "encryption_keys: [{id: new, file: k2}, {id: old, file: k1}]"
    store = loaded(folder, text(f"url: rediss://a, {keys}")).store
    assert store
    assert store.keys == (("new", folder / "k2"), ("old", folder / "k1"))


def test_a_change_of_a_key_or_a_certificate_is_seen(folder: Path) -> None:
    (folder / "vendor.yaml").write_text(with_keys("url: rediss://a, ca_file: ca.pem"))
    sources = load(folder / "vendor.yaml", environ={}).sources
    assert not sources.changed()
    (folder / "ca.pem").write_text("")
    assert sources.changed()
    (folder / "ca.pem").unlink()
    assert not sources.changed()
    (folder / "k1").write_bytes(KEY[::-1])
    assert sources.changed()


@pytest.mark.parametrize(
    "url",
    [
        "https://a",
        "redis.internal:6379",
        "rediss://",
        "rediss://a:0",
        "rediss://a:99999",
        "rediss://a/name",
        "rediss://a/123456",
        "rediss://a?db=3",
        "rediss://a#x",
        "rediss://[a",
        "rediss://ä",
        "rediss://a b",
        "rediss://user:CANARY#@a",
        "unix:///run/redis",
    ],
)
def test_what_is_no_url_of_a_store_is_found_and_not_shown(folder: Path, url: str) -> None:
    (finding,) = told(folder, with_keys(f'url: "{url}"'))
    assert finding.startswith(f"2:22: {AT}.url: expected a URL such as rediss://user@host:6379")
    assert "CANARY" not in finding


@pytest.mark.parametrize("node", ["a", "a:0", "a:b", "a:1/0", "[a", "u@a:1", "rediss://a:1"])
def test_what_is_no_node_is_found(folder: Path, node: str) -> None:
    (finding,) = told(folder, with_keys(f"url: rediss://a, cluster: true, nodes: ['{node}']"))
    assert finding.endswith(f"{AT}.nodes[0]: expected a host and a port such as host:6379")


@pytest.mark.parametrize(
    ("said", "field", "message"),
    [
        ("url: rediss://a, cluster: true, sentinel: {service: b}", "sentinel", "a cluster has no sentinels"),
        ("url: rediss://a, nodes: ['a:1']", "nodes", "several nodes are those of a cluster or sentinels"),
        ("url: rediss://a/1, cluster: true", "cluster", "a cluster has no other databases"),
        ("url: 'rediss://:b@a', password: b", "password", "a password stands in the URL already"),
        ("url: 'redis://[::1]', ca_file: b", "ca_file", "without TLS no certificate"),
        ("url: rediss://a, certificate: b", "certificate", "a certificate is shown with TLS and with its"),
        ("url: redis://localhost, certificate: b, private_key: c", "certificate", "a certificate is shown with TLS"),
        ("url: rediss://a, private_key: b", "private_key", "certificate is missing"),
        ("url: rediss://a, prefix: 'a:b'", "prefix", "expected at most 32 letters"),
        ("url: rediss://a, sentinel: {}", "sentinel", "service is missing"),
        ("url: '${env:NONE}'", "url", "the environment has no variable NONE"),
    ],
)
def test_what_does_not_go_together_is_found(folder: Path, said: str, field: str, message: str) -> None:
    (finding,) = told(folder, with_keys(said))
    assert f" {AT}.{field}: {message}" in finding


def _key_file(folder: Path, raw: bytes) -> None:
    (folder / "k1").write_bytes(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        KEY[:31],
        KEY + b"\n",
        b"A" * 44,
        KEY.hex().encode(),
        KEY[:16].hex().encode(),
        base64.b64encode(KEY[:24]),
        b"a" * 1024,
    ],
    ids=["empty", "short", "raw with a newline", "long base64", "hex", "short hex", "short base64", "text"],
)
def test_what_is_no_key_is_found_and_not_shown(folder: Path, raw: bytes) -> None:
    _key_file(folder, raw)
    (finding,) = told(folder, with_keys("url: rediss://a"))
    assert f"{AT}.encryption_keys[0].file: the file {folder}/k1 holds no key: expected 32 random bytes" in finding


@pytest.mark.parametrize(
    "raw", [KEY, base64.b64encode(KEY), base64.urlsafe_b64encode(b"\xff" * 32) + b"\r\n"], ids=["raw", "base64", "url"]
)
def test_what_is_a_key_is_taken(folder: Path, raw: bytes) -> None:
    _key_file(folder, raw)
    assert made(folder, "url: rediss://a").keys


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("[{id: k, file: k1}, {id: k, file: k2}]", "encryption_keys[1].id: another key is called k already"),
        ("[{id: k, file: none}]", "encryption_keys[0].file: the file "),
        ("[{id: 'a b', file: k1}]", "encryption_keys[0].id: expected at most 32 letters"),
        ("[]", "encryption_keys: may not be empty"),
    ],
)
def test_keys_are_told_apart_and_there(folder: Path, keys: str, message: str) -> None:
    (finding,) = told(folder, text(f"url: rediss://a, encryption_keys: {keys}"))
    assert f"{AT}.{message}" in finding


def test_plain_text_beyond_this_machine_is_a_warning(folder: Path) -> None:
    warnings: Any = loaded(folder, with_keys("url: redis://redis.internal")).warnings
    assert [(one.field, one.code) for one in warnings] == [(f"{AT}.url", "V770")]
    assert loaded(folder, with_keys("url: redis://127.0.0.1")).warnings == ()
