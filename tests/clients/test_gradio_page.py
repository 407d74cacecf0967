"""Gradio's page in a browser: it goes where the service says that it is."""

from pathlib import Path

import pytest

from authproxy.demo.world import World
from tests.clients.services.apps import gradio
from tests.support.behind import free_port
from tests.support.browser import open_page
from tests.support.program import Program

pytestmark = [pytest.mark.outside, pytest.mark.timeout(120)]

BUTTON = "[...document.querySelectorAll('button')].find(b => b.innerText == 'Count')"
COUNTED = "[...document.querySelectorAll('textarea')].some(field => field.value.endsWith(' 3'))"


async def test_it_works_where_the_service_was_told_of_authproxys_address(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://localhost:{port}"
    async with (
        gradio(address) as app,
        World(app=app) as world,
        Program(
            world.url,
            *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", f"localhost:{port}"),
            environ=world.environment,
        ),
        open_page(f"{address}/", tmp_path) as page,
    ):
        await page.wait_for(f"{BUTTON} != null")
        # The button is there before what it does; while that is under way it does not begin again.
        await page.wait_for(f"{COUNTED} || {BUTTON}.click()")
