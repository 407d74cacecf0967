"""The fixture `authproxy_serve` for pytest, by its entry point. `-p no:authproxy` leaves it out.

pytest imports this in every run of every project where authproxy is installed: so nothing else is
imported before a test asks for the fixture.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from authproxy.embedding.serving import Serve


@pytest.fixture
def authproxy_serve() -> "Iterator[Serve]":
    """Starts a proxy as `authproxy.serve` does, and ends it with the test."""
    from authproxy.embedding.serving import serve

    with ExitStack() as stack:

        def start(services: Any, /, **settings: Any) -> Any:
            return stack.enter_context(serve(services, **settings))

        yield start
