"""The pretend world with authproxy in front, both started once for each test."""

from collections.abc import AsyncIterator

import pytest

from authproxy.demo.world import World
from tests.support.program import Program


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


@pytest.fixture
async def proxy(world: World) -> AsyncIterator[Program]:
    async with Program(
        world.url,
        *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "localhost:0"),
        environ=world.environment,
    ) as program:
        yield program
