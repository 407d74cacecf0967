"""Whether a service works, by asking it, as the deep check of readiness does."""

import pytest

from authproxy.commands.doctor.deep_check import find_fault
from authproxy.demo import pages
from authproxy.file_watch import FileWatch
from authproxy.identity.machine import Machine
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.runtime.services import Builder
from authproxy.runtime.sources import Sources
from authproxy.wire.upstream.upstream import Upstream
from tests.support.configuring import settings
from tests.support.raw import Call, RawService, raw_service


def upstream(url: str, **environ: str) -> Upstream:
    found = settings(urls=[url], environ={"AUTHPROXY_CREDENTIALS": "none", **environ})
    sources = Sources(TokenCache(), Machine(environ))
    [made] = Builder(found, sources, FileWatch()).build_all().values()
    return made


def answering(status: str, body: bytes = b"", *fields: str) -> object:
    """Answers HEAD and GET as one server does."""

    async def talk(call: Call) -> None:
        head = await call.read_head()
        lines = "".join(f"{field}\r\n" for field in fields)
        answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode()
        await call.say(answer if head.startswith(b"HEAD") else answer + body)
        call.writer.close()

    return talk


async def ask(talk: object, **environ: str) -> tuple[str, RawService]:
    async with raw_service(talk) as service:  # type: ignore[arg-type]  # -- made above
        return await find_fault(upstream(service.url, **environ), now=1e9), service


FRONT_END = ("Server: Google Frontend", "Content-Type: text/html; charset=UTF-8")
GOOGLES = (
    ("403 Forbidden", pages.forbidden("/"), "credentials"),
    ("404 Not Found", pages.not_found(), ""),
    ("503 Service Unavailable", pages.no_instance(503), ""),
)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("200 OK", ""),
        ("204 No Content", ""),
        ("302 Found", ""),
        ("401 Unauthorized", ""),
        ("404 Not Found", ""),
        ("405 Method Not Allowed", ""),
        ("500 Internal Server Error", ""),
        ("502 Bad Gateway", "The service answers 502."),
        ("503 Service Unavailable", "The service answers 503."),
    ],
)
async def test_whatever_the_application_itself_answers_is_good(status: str, why: str) -> None:
    found, service = await ask(answering(status))

    assert why == found
    [head] = service.heads
    assert head.startswith(b"HEAD / HTTP/1.1\r\n")
    assert b"User-Agent: authproxy-readiness\r\n" in head


async def test_a_page_at_the_front_end_is_looked_at_before_it_counts() -> None:
    """An application behind Cloud Run may have a 404 of its own at `/`."""
    found, service = await ask(answering("404 Not Found", b"<html>ours</html>", *FRONT_END))

    assert "" == found
    assert [b"HEAD", b"GET "] == [head[:4] for head in service.heads]


@pytest.mark.parametrize(("status", "page", "command"), GOOGLES, ids=[g[0] for g in GOOGLES])
async def test_what_google_says_in_the_place_of_the_application_is_a_fault(
    status: str, page: pages.Page, command: str
) -> None:
    found, _ = await ask(answering(status, page.body.encode(), *FRONT_END))

    assert found
    assert command in found


async def test_what_every_request_carries_is_sent() -> None:
    environ = {"AUTHPROXY_API_KEY": "env:KEY", "KEY": "the-key-of-a-service"}
    found, service = await ask(answering("200 OK"), **environ)

    assert "" == found
    assert b"X-Api-Key: the-key-of-a-service\r\n" in service.heads[0]


async def test_nobody_there_is_a_fault() -> None:
    async with raw_service(answering("200 OK")) as service:  # type: ignore[arg-type]  # -- made above
        url = service.url

    assert "localhost" in await find_fault(upstream(url), now=1e9)


async def test_no_token_is_a_fault_and_nothing_is_sent() -> None:
    environ = {"AUTHPROXY_CREDENTIALS": "token-file:/proc/nowhere/token"}
    found, service = await ask(answering("200 OK"), **environ)

    assert "/proc/nowhere/token" in found
    assert [] == service.heads
