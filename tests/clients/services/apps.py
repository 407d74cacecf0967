"""Applications that people put on Cloud Run for themselves and a few others."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from authproxy.demo.cloudrun import App
from tests.clients.running import HERE, PLACE
from tests.support.behind import APPS, Forward, free_port, running

_CLIENTS_PYTHON = str(PLACE / "bin" / "python")


@asynccontextmanager
async def jupyter() -> AsyncIterator[App]:
    """A server of notebooks and kernels, without a token of its own."""
    async with _run("jupyter_app.py") as app:
        yield app


@asynccontextmanager
async def gradio(address: str = "") -> AsyncIterator[App]:
    """A page with three functions: one that yields, one that makes a file, one that takes one.

    With `address` it is told where its users find it.
    """
    async with _run("gradio_app.py", *filter(None, [address])) as app:
        yield app


@asynccontextmanager
async def streamlit() -> AsyncIterator[App]:
    """A page of a title, a field, a button and an upload."""
    port = free_port()
    here = (f"--server.port={port}", "--server.address=127.0.0.1")
    quiet = ("--server.headless=true", "--browser.gatherUsageStats=false")
    command = ("-m", "streamlit", "run", str(APPS / "streamlit_app.py"), *here, *quiet)
    async with running(port, *command):
        yield Forward(port).handle


@asynccontextmanager
async def _run(script: str, *arguments: str) -> AsyncIterator[App]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = (str(HERE / "scripts" / script), str(port), folder, *arguments)
        async with running(port, *command, program=_CLIENTS_PYTHON):
            yield Forward(port).handle
