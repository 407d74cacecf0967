"""Which event loops the tests run on."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

try:
    import aiofastnet
except ImportError:  # pragma: no cover -- only where the platform lacks it
    FAST: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {}
else:
    FAST = {"aiofastnet": aiofastnet.loop_factory()}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The data path runs on both kinds of transports, asyncio's and aiofastnet's."""
    standard = {"asyncio": asyncio.new_event_loop}
    return {**standard, **FAST} if item.path.name.startswith("test_wire_") else standard
