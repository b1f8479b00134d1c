"""What holds for the whole session: the machine's settings for AWS, proxies, CAs and signals do not reach the tests."""

from __future__ import annotations

import json
import os
import signal

import pytest
from hypothesis import HealthCheck, settings

MACHINE = "TESTS_OF_THE_MACHINE"
"""The variable that keeps, as JSON, what was cleaned away: package managers need it."""
_FOREIGN = ("AWS_", "VENDOR_", "ACTIONS_ID_TOKEN_", "BOTO_")
_CA = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY")
_NEUTRAL = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those files begin first that take long: whichever ends last decides how long the whole takes."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_configure() -> None:
    """Clean the environment before any test module is imported, in each worker too."""
    foreign = [name for name in os.environ if name.startswith(_FOREIGN) or name.upper() in (*_CA, *_PROXY)]
    cleaned = {name: os.environ.pop(name) for name in foreign}
    os.environ.setdefault(MACHINE, json.dumps(cleaned))  # a worker has nothing left to clean
    os.environ.update(_NEUTRAL)
    # What runs in the background or under nohup ignores these, and so would every program that a test starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)  # caught, not default: this run still outlives its terminal
    # A busy machine is no failing example.
    settings.register_profile("vendor", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("vendor")
