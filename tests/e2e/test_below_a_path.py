"""A service whose address has a path, as behind a load balancer that has many services."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support import raw
from tests.support.http2 import Call, call_of, http2_client, http2_service
from tests.support.program import Program
from tests.support.proxying import RunningProxy, proxying
from tests.support.raw import RawService, raw_service
from tests.support.talking import get, read_answer

BASE = "/apps/billing"


@dataclass(frozen=True)
class Running:
    service: RawService
    proxy: RunningProxy

    async def asked_for(self, request: bytes) -> bytes:
        """The first line that the service gets for `request`, without the version."""
        reader, writer = await self.proxy.connect()
        writer.write(request)
        await read_answer(reader)
        writer.close()
        return self.service.heads[-1].partition(b" HTTP/1.1\r\n")[0]

    async def answered(self, *fields: str, path: str = "/") -> list[bytes]:
        """What becomes of the fields of an answer."""
        self.said[:] = [field.replace("SERVICE", self.service.url) for field in fields]
        reader, writer = await self.proxy.connect()
        writer.write(get(path))
        head, _ = await read_answer(reader)
        writer.close()
        return head.split(b"\r\n")[1:-3]

    said: list[str]


@pytest.fixture(params=["", "/one", "/apps/billing"], ids=["alone", "path", "the same path"])
async def running(request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    said: list[str] = []

    async def talk(call: raw.Call) -> None:
        while await call.read_head():
            lines = "".join(f"{field}\r\n" for field in said)
            await call.say(f"HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n".encode())

    async with (
        raw_service(talk) as service,
        proxying(
            service.url + BASE,
            path=request.param or None,
            strips=bool(request.param),
            own_host="lb.example",
        ) as proxy,
    ):
        yield Running(service, proxy, said)


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["running"])


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ("/", "/apps/billing/"),
        ("/x?y=/z", "/apps/billing/x?y=/z"),
        ("/apps/billing/x", "/apps/billing/apps/billing/x"),
    ],
)
async def test_requests_go_below_it(running: Running, prefix: str, asked: str, got: str) -> None:
    assert f"GET {got}".encode() == await running.asked_for(get(prefix + asked))
    head = running.service.heads[-1]
    told = f"X-Forwarded-Prefix: {prefix}\r\n".encode() if prefix == "/one" else None
    assert (told in head) if told else (b"Prefix" not in head)
    assert b"Host: %b\r\n" % running.service.authority in head


async def test_a_tool_that_takes_it_for_a_forward_proxy_asks_for_the_whole_path(
    running: Running,
) -> None:
    asked = await running.asked_for(get("http://lb.example/apps/billing/x?y", host="lb.example"))

    assert b"GET /apps/billing/x?y" == asked
    reader, writer = await running.proxy.connect()
    writer.write(get("http://lb.example/apps/reports/x", host="lb.example"))
    head, _ = await read_answer(reader)
    writer.close()
    assert head.startswith(b"HTTP/1.1 404 ")


async def test_an_upgrade_goes_below_it(running: Running, prefix: str) -> None:
    asked = await running.asked_for(
        get(f"{prefix}/socket", "Connection: Upgrade", "Upgrade: websocket")
    )

    assert b"GET /apps/billing/socket" == asked


async def test_answers_come_back_without_it(running: Running, prefix: str) -> None:
    got = await running.answered(
        "Location: /apps/billing/x",
        "Content-Location: SERVICE/apps/billing/x",
        "Link: </apps/billing/a>; rel=next, <SERVICE/apps/other>; rel=prev",
        "Set-Cookie: a=1; Path=/apps/billing/x",
        "Set-Cookie: b=2; Path=/apps/billing/",
        "Set-Cookie: c=3; Path=/",
        "Set-Cookie: d=4; Path=/apps/other",
        path=f"{prefix}/",
    )
    here = f"http://localhost{prefix}"
    assert [
        f"Location: {prefix}/x",
        f"Content-Location: {here}/x",
        f"Link: <{prefix}/a>; rel=next, <{running.service.url}/apps/other>; rel=prev",
        f"Set-Cookie: a=1; Path={prefix}/x",
        f"Set-Cookie: b=2; Path={prefix or '/'}",
        f"Set-Cookie: c=3; Path={prefix or '/'}",
    ] == [line.decode() for line in got]


async def test_what_is_not_below_it_is_the_services_own_affair(
    running: Running, prefix: str
) -> None:
    got = await running.answered("Location: /login?next=/apps/billing/", path=f"{prefix}/")

    assert [f"Location: {running.service.url}/login?next=/apps/billing/".encode()] == got


@pytest.mark.parametrize("path", ["/../other/x", "/a/../../x", "/%2e%2e/other"])
async def test_nothing_leads_out_of_it(running: Running, prefix: str, path: str) -> None:
    reader, writer = await running.proxy.connect()
    writer.write(get(prefix + path))
    head, _ = await read_answer(reader)
    writer.close()

    assert head.startswith(b"HTTP/1.1 400 ")
    assert [] == running.service.heads


async def test_over_http_2_too() -> None:
    async def answer(call: Call) -> None:
        call.answer(b"", (b"location", b"/apps/billing/next"), status=b"302")

    async with (
        http2_service(answer) as service,
        proxying(service.url + BASE, path="/one", strips=True) as proxy,
        http2_client(proxy) as client,
    ):
        client.say(client.headers(1, call_of(path=b"/one/a?b")))
        found = await client.answer(1)

    assert b"/apps/billing/a?b" == service.calls[0].get(b":path")
    assert b"/one/next" == found.get(b"location")


async def test_the_options_of_the_whole_server_have_no_path() -> None:
    async with (
        raw_service(raw.always(raw.OK)) as service,
        proxying(service.url + BASE) as proxy,
    ):
        await proxy.exchange(get("*", "Connection: close", method="OPTIONS"))

    assert service.heads[0].startswith(b"OPTIONS * HTTP/1.1\r\n")


async def test_as_users_run_it(tmp_path: Path) -> None:
    async with raw_service(raw.always(raw.OK)) as service:
        file = tmp_path / "authproxy.toml"
        file.write_text(
            'listen = "localhost:0"\n'
            f'[services.billing]\nurl = "{service.url}/apps/billing/"\ncredentials = "none"\n'
            f'[services.reports]\nurl = "{service.url}/apps/reports"\ncredentials = "none"\n'
            'deny_paths = ["/admin"]\n'
        )
        async with Program("-c", file) as program, httpx.AsyncClient() as client:
            assert f"-> {service.url}/apps/billing\n" in program.stderr
            statuses = []
            for name, path in (("billing", "/admin"), ("reports", "/x"), ("reports", "/admin")):
                host = {"Host": f"{name}.localhost:{program.port}"}
                answer = await client.get(f"http://localhost:{program.port}{path}", headers=host)
                statuses.append(answer.status_code)

    assert [200, 200, 403] == statuses
    assert [b"/apps/billing/admin", b"/apps/reports/x"] == [
        head.split(b" ")[1] for head in service.heads
    ]
