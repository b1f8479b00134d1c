"""Which branches of the core rooms are taken by the tests that are about them; `-p tests.covered` asks for it.

Tracing doubles what Python costs, so nothing else is traced: no collection, no other room's tests, and no test that
asks what others have asked again and again (`untraced`). What was seen is kept as coverage's own files are.
"""

from __future__ import annotations

import importlib
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Final

import pytest
from coverage import Coverage

import vendor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

CORE: Final = ("identity", "policy", "leases", "mint", "exchange")
TRACED: Final = (
    *("identity/", "policy/", "leases/", "mint/", "redis/"),
    *("test_accounts", "test_exchange", "test_live", "test_revoking"),
)
"""How the paths of those tests begin."""
_KEPT: Final = pytest.StashKey[Coverage]()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Import the rooms before anybody else does, which is when the lines outside functions run."""
    names = [f"{vendor.__name__}.{room}" for room in CORE]
    early_config.stash[_KEPT] = coverage = Coverage(source=names)
    with coverage.collect():
        for name in names:
            _import(importlib.import_module(name))


def pytest_configure(config: pytest.Config) -> None:
    """Trace in whoever runs tests: a worker, or the only process that there is."""
    works = hasattr(config, "workerinput")
    if not works:
        Coverage().erase()
    if works or not config.getoption("numprocesses", None):
        config.pluginmanager.register(_Tracing(config.stash[_KEPT]))


class _Tracing:
    def __init__(self, coverage: Coverage) -> None:
        self._coverage = coverage

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Trace a test that is about one of the rooms."""
        if not _is_about_a_room(item):
            return (yield)
        with self._coverage.collect():
            return (yield)

    def pytest_sessionfinish(self) -> None:
        """Keep what was seen."""
        self._coverage.save()


def _import(room: ModuleType) -> None:
    for module in walk_packages(getattr(room, "__path__", ()), f"{room.__name__}."):
        importlib.import_module(module.name)


def _is_about_a_room(item: pytest.Item) -> bool:
    return item.nodeid.removeprefix("tests/").startswith(TRACED) and not item.get_closest_marker("untraced")
