"""Which event loops the tests run on, what none of them may show, how hypothesis and the garbage
collector behave."""

import asyncio
import gc
import logging
import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping

import pytest
from hypothesis import settings

from authproxy.event_loop import choose_transports
from tests.support import builds, systems
from tests.support.secrecy import WATCH

LOGGERS = ("", "authproxy", "asyncio", "aiohttp", "google", "urllib3")
"""Those whose levels `authproxy.observe.logs` sets."""

settings.register_profile("authproxy", deadline=None)
settings.load_profile("authproxy")  # how long an example takes says more about the machine

_fast = choose_transports()  # None where the platform lacks aiofastnet
FAST = {} if _fast is None else {"aiofastnet": _fast}


def pytest_configure(config: pytest.Config) -> None:
    if builds.IS_COMPILED:
        builds.check_modules()
    config.pluginmanager.register(WATCH)
    WATCH.listen()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if systems.IS_BARE:
        systems.deselect(config, items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if systems.IS_BARE:
        terminalreporter.write_line("\n".join(systems.summary()))


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The data path runs on both kinds of transports, asyncio's and aiofastnet's."""
    standard = {"asyncio": asyncio.new_event_loop}
    return {**standard, **FAST} if on_both_loops(item) else standard


def on_both_loops(item: pytest.Item) -> bool:
    return item.path.name.startswith("test_wire_")


def pytest_collection_finish() -> None:
    """What stands once all tests are collected stays: the collections below need not look at it."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """What a test that failed left open is not blamed on those that follow: its traceback holds it
    until the next one starts.
    """
    failed = item.session.testsfailed
    result = yield
    if item.session.testsfailed > failed:
        for name in ("last_exc", "last_type", "last_value", "last_traceback"):
            vars(sys).pop(name, None)
        with warnings.catch_warnings(action="ignore"):
            gc.collect()
    return result


os.umask(0o077)
"""Tests write keys, and files of keys that others can read are refused."""


@pytest.fixture(autouse=True)
def logging_is_as_it_was() -> Iterator[None]:
    """What a test sets up for the log, levels and handlers, is for that test alone."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    for handler in set(root.handlers).difference(handlers):
        if not type(handler).__module__.startswith("_pytest"):
            root.removeHandler(handler)


@pytest.fixture(autouse=True)
def garbage_stays_in_its_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """A StreamWriter on aiofastnet's transports must not be collected by a resolver's thread.

    What stood before the test is frozen, so that a look at the rest takes no time.
    """
    if not on_both_loops(request.node):
        yield
        return
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


@pytest.fixture(autouse=True, scope="module")
def nothing_stays_frozen() -> Iterator[None]:
    yield
    gc.unfreeze()
