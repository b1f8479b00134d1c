from __future__ import annotations

import pytest

from vendor.client import UsageError
from vendor.client.address import parse_address, parse_service, proxy_for


@pytest.mark.parametrize(
    ("url", "origin", "port", "path"),
    [
        ("https://vendor.example", "https://vendor.example", 443, ""),
        ("https://Vendor.Example:443/", "https://vendor.example", 443, "/"),
        ("https://vendor.example:8443/aws", "https://vendor.example:8443", 8443, "/aws"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443", 8443, ""),
        ("https://[2001:db8::1]", "https://[2001:db8::1]", 443, ""),
        ("https://10.0.0.1", "https://10.0.0.1", 443, ""),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", 8080, ""),
        ("http://127.9.9.9", "http://127.9.9.9", 80, ""),
        ("http://[::1]:8080", "http://[::1]:8080", 8080, ""),
        ("http://localhost", "http://localhost", 80, ""),
    ],
)
def test_https_goes_anywhere_and_http_to_loopback(url: str, origin: str, port: int, path: str) -> None:
    address = parse_service(url)
    assert (str(address), address.port, address.path) == (origin, port, path)


@pytest.mark.parametrize(
    "host",
    [
        "vendor.example",
        "10.0.0.1",
        "0.0.0.0",  # noqa: S104  # refused here
        "169.254.170.2",
        "localhost.example",
        "127.0.0.1.example",
        "[::2]",
        "2130706433",
    ],
)
def test_plain_http_to_another_machine_is_refused_with_the_way_out(host: str) -> None:
    with pytest.raises(UsageError, match="a token must not travel in clear: use https"):
        parse_service(f"http://{host}:8080")


@pytest.mark.parametrize(
    "url",
    [
        "vendor.example",
        "//vendor.example",
        "ftp://vendor.example",
        "https://",
        "https:///path",
        "https://:443",
        "https://vendor.example:port",
        "https://vendor.example:99999",
        "https://[::1",
        "https://vendor.example/#top",
        "https://vendor.example/a b",
        "https://vendor.example/\r\nX: 1",
        "https://vendor\u3002example",
        "https://vendor.example?x=1",
        "https://user@vendor.example",
        "https://user:hunter2@vendor.example",
    ],
)
def test_what_is_no_url_of_a_service_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_service(url)
    assert "hunter2" not in str(caught.value)


def chosen(url: str, **environ: str) -> str | None:
    proxy = proxy_for(parse_address(url, name="it"), environ)
    return None if proxy is None else str(proxy)


@pytest.mark.parametrize("value", ["http://proxy.example:3128", "proxy.example:3128"])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_https_goes_through_the_proxy_named(name: str, value: str) -> None:
    assert chosen("https://vendor.example", **{name: value}) == "http://proxy.example:3128"


def test_the_lower_case_names_go_first() -> None:
    both = {"HTTPS_PROXY": "http://upper.example", "https_proxy": "http://lower.example"}
    assert chosen("https://vendor.example", **both) == "http://lower.example"
    assert chosen("https://vendor.example", **both, NO_PROXY="other.example", no_proxy="vendor.example") is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://127.0.0.1:1", "https://localhost", "https://[::1]"])
def test_loopback_is_reached_without_a_proxy(url: str) -> None:
    assert chosen(url, HTTPS_PROXY="http://proxy.example:3128") is None


@pytest.mark.parametrize(
    ("url", "no_proxy", "direct"),
    [
        ("https://vendor.example", "vendor.example", True),
        ("https://vendor.example", "VENDOR.EXAMPLE", True),
        ("https://vendor.example", "example", True),
        ("https://vendor.example", ".example", True),
        ("https://vendor.example", "a.example, vendor.example ,b", True),
        ("https://vendor.example", "*", True),
        ("https://vendor.example:8443", "vendor.example:8443", True),
        ("https://vendor.example:8443", "vendor.example", True),
        ("https://vendor.svc.cluster.local", ".svc,.cluster.local", True),
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "10.1.2.3", True),
        ("https://[2001:db8::1]", "2001:db8::/32", True),
        ("https://vendor.example", "", False),
        ("https://vendor.example", " , ", False),
        ("https://vendor.example", "endor.example", False),
        ("https://vendor.example", "vendor.example:8443", False),
        ("https://vendor.example", "10.0.0.0/8", False),
        ("https://11.1.2.3", "10.0.0.0/8,example", False),
    ],
)
def test_no_proxy_names_hosts_domains_and_networks(url: str, no_proxy: str, direct: bool) -> None:  # noqa: FBT001
    assert (chosen(url, HTTPS_PROXY="http://proxy.example", NO_PROXY=no_proxy) is None) is direct


@pytest.mark.parametrize(
    "value", ["https://u:hunter2@proxy.example", "socks5://u:hunter2@proxy.example", "http://", "http://u:hunter2@p:x"]
)
def test_a_proxy_of_another_kind_is_refused_without_showing_its_password(value: str) -> None:
    with pytest.raises(UsageError, match="HTTPS_PROXY") as caught:
        chosen("https://vendor.example", HTTPS_PROXY=value)
    assert "hunter2" not in str(caught.value)
