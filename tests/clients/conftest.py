"""The clients must be installed."""

import pytest

from tests.clients.running import PLACE


@pytest.fixture(autouse=True, scope="session")
def clients_are_installed() -> None:
    if not (PLACE / "installed").exists():
        pytest.fail("needs the clients of docs/clients.md: run scripts/clients")
