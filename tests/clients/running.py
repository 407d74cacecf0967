"""Runs the script of a client as its user would, with the pretend world's authority trusted."""

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from authproxy.demo.world import World
from tests.clients.client import Client
from tests.support.program import clean_environment

HERE = Path(__file__).parent
PLACE = HERE.parent.parent / ".venv-clients"
"""What scripts/clients makes: a virtual environment, and node_modules."""

TRUST = (
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_CAFILE",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)
"""How the clients are told whom to believe; each has its own variable."""

RUN_BY = {".py": "python", ".mjs": "node", ".sh": "sh"}
PATIENCE_S = 90


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self.stdout.splitlines())

    @property
    def output(self) -> str:
        return f"{self.stdout}\n{self.stderr}"


async def run(client: Client, url: str, world: World, folder: Path) -> Ran:
    """To its end, in `folder`, which is its home too."""
    script = HERE / "scripts" / client.script
    if script.suffix == ".mjs":  # a module finds packages from where it is
        script = Path(shutil.copy(script, PLACE))
    process = await asyncio.create_subprocess_exec(
        RUN_BY[script.suffix],
        str(script),
        url,
        *client.arguments,
        env=environment(world, folder),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            stdout, stderr = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ran(process.returncode or 0, stdout.decode(), stderr.decode())


def environment(world: World, folder: Path) -> dict[str, str]:
    programs = (
        PLACE / "bin",
        PLACE / "node_modules" / ".bin",
        *os.environ["PATH"].split(os.pathsep),
    )
    return clean_environment(dict.fromkeys(TRUST, str(world.ca_file))) | {
        "PATH": os.pathsep.join(map(str, programs)),
        "HOME": str(folder),
        "PYTHONUNBUFFERED": "1",
    }
