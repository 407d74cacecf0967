"""Every row of the table, through a real proxy: over HTTP/1.1 and HTTP/2, in heads and trailers."""

import asyncio
import re

import pytest

from authproxy.policy.messages.address_fields import ANSWERS, HERE, REQUESTS, TABLE, THERE, In, Row
from authproxy.policy.messages.headers import FORBIDDEN_TRAILERS, HOP_BY_HOP
from authproxy.policy.messages.origin_mapping import Home
from tests.support import raw
from tests.support.http2 import Call, call_of, http2_client, http2_service
from tests.support.proxying import proxying
from tests.support.raw import raw_service
from tests.support.talking import read_answer, tls_contexts

OURS, THEIRS = HERE.removeprefix("http://"), THERE.removeprefix("https://")
# No client heeds it there, and Google's front end puts it on every answer.
PASSES_OVER_HTTP2_IN_CLEAR = {"Alt-Svc"}


class Addresses:
    """Puts the test's own addresses in the place of the examples'."""

    def __init__(self, ours: str, theirs: str) -> None:
        self._real = {OURS: ours, THEIRS: theirs}

    def real(self, text: str) -> bytes:
        names = "|".join(map(re.escape, self._real))
        return re.sub(names, lambda match: self._real[match[0]], text).encode()

    def shown(self, value: bytes | None) -> str | None:
        """As the table has it, so that a failure can be read beside it."""
        text = value.decode() if value is not None else None
        for example, ours in self._real.items():
            text = text.replace(ours, example) if text is not None else None
        return text


def expected(rows: tuple[Row, ...], *, trailers: bool = False) -> dict[str, str | None]:
    gone = FORBIDDEN_TRAILERS | HOP_BY_HOP if trailers else set()
    return {row.name: None if row.name.lower().encode() in gone else row.goes for row in rows}


def value_in(head: bytes, name: str) -> bytes | None:
    """The values of all fields of this name, as one; None for none."""
    found = [
        value.strip()
        for line in head.split(b"\r\n")
        for field, colon, value in [line.partition(b":")]
        if colon and field.lower() == name.lower().encode()
    ]
    return b" | ".join(found) if found else None


async def test_each_field_of_a_request_over_http_1() -> None:
    service_side, trust = tls_contexts()
    async with (
        raw_service(raw.always(raw.OK), tls=service_side) as service,
        proxying(service.url, trust=trust) as proxy,
    ):
        at = Addresses(f"localhost:{proxy.port}", service.authority.decode())
        reader, writer = await proxy.connect()
        for row in REQUESTS:
            writer.write(
                b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n%b: %b\r\n\r\n"
                % (proxy.port, row.name.encode(), at.real(row.comes))
            )
            await read_answer(reader)
        writer.close()

        got = {
            row.name: at.shown(value_in(head, row.name))
            for row, head in zip(REQUESTS, service.heads, strict=True)
        }
    assert expected(REQUESTS) == got


async def test_each_field_of_a_request_over_http_2() -> None:
    async with (
        http2_service(tls=True) as service,
        proxying(service.url, trust=service.trust) as proxy,
        http2_client(proxy) as client,
    ):
        at = Addresses(f"localhost:{proxy.port}", service.authority.decode())
        rows = [row for row in REQUESTS if row.name != "Proxy-Connection"]  # malformed there
        host = f"localhost:{proxy.port}".encode()
        for number, row in enumerate(rows):
            field = (row.name.lower().encode(), at.real(row.comes))
            client.say(client.headers(2 * number + 1, call_of(field, host=host)))
            await client.answer(2 * number + 1)

        got = {
            row.name: at.shown(call.get(row.name.lower().encode()))
            for row, call in zip(rows, service.calls, strict=True)
        }
    assert expected(tuple(rows)) == got


async def test_each_field_of_an_answer_over_http_1() -> None:
    rows = iter(ANSWERS)
    service_side, trust = tls_contexts()

    async def talk(call: raw.Call) -> None:
        while await call.read_head():
            row = next(rows)
            field = b"%b: %b" % (row.name.encode(), at.real(row.comes))
            await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%b\r\n\r\n" % field)

    got = {}
    async with (
        raw_service(talk, tls=service_side) as service,
        proxying(service.url, trust=trust) as proxy,
    ):
        at = Addresses(f"localhost:{proxy.port}", service.authority.decode())
        reader, writer = await proxy.connect()
        for row in ANSWERS:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % proxy.port)
            head, _ = await read_answer(reader)
            got[row.name] = at.shown(value_in(head, row.name))
        writer.close()
    assert expected(ANSWERS) == got


async def test_each_field_of_an_answer_over_http_2() -> None:
    rows = [row for row in ANSWERS if row.name not in PASSES_OVER_HTTP2_IN_CLEAR]

    async def answer(call: Call) -> None:
        row = rows[call.stream_id // 2]
        call.answer(b"", (row.name.lower().encode(), at.real(row.comes)))

    got = {}
    async with (
        http2_service(answer, tls=True) as service,
        proxying(service.url, trust=service.trust) as proxy,
        http2_client(proxy) as client,
    ):
        at = Addresses(f"localhost:{proxy.port}", service.authority.decode())
        host = f"localhost:{proxy.port}".encode()
        for number, row in enumerate(rows):
            client.say(client.headers(2 * number + 1, call_of(host=host)))
            found = await client.answer(2 * number + 1)
            got[row.name] = at.shown(found.get(row.name.lower().encode()))
    assert expected(tuple(rows)) == got


async def test_each_field_in_the_trailers_of_both_over_http_1() -> None:
    service_side, trust = tls_contexts()
    rows = iter(ANSWERS)
    heard: list[bytes] = []

    async def talk(call: raw.Call) -> None:
        while await call.read_head():
            heard.append(await call.reader.readuntil(b"0\r\n") + await read_section(call.reader))
            row = next(rows, ANSWERS[0])
            field = b"%b: %b" % (row.name.encode(), at.real(row.comes))
            await call.say(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n%b\r\n\r\n" % field
            )

    answers = {}
    async with (
        raw_service(talk, tls=service_side) as service,
        proxying(service.url, trust=trust) as proxy,
    ):
        at = Addresses(f"localhost:{proxy.port}", service.authority.decode())
        reader, writer = await proxy.connect()
        for asked, answered in zip(padded(REQUESTS), padded(ANSWERS), strict=True):
            writer.write(
                b"POST / HTTP/1.1\r\nHost: localhost:%d\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"0\r\n%b: %b\r\n\r\n" % (proxy.port, asked.name.encode(), at.real(asked.comes))
            )
            await reader.readuntil(b"\r\n\r\n0\r\n")
            answers[answered.name] = at.shown(value_in(await read_section(reader), answered.name))
        writer.close()
    requests = {
        row.name: at.shown(value_in(section, row.name))
        for row, section in zip(REQUESTS, heard, strict=False)
    }
    assert expected(ANSWERS, trailers=True) == answers
    assert expected(REQUESTS, trailers=True) == requests


async def read_section(reader: asyncio.StreamReader) -> bytes:
    """Trailers, to the empty line."""
    lines = []
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        lines.append(line)
    return b"".join(lines)


def padded(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    return (rows * 2)[: max(len(REQUESTS), len(ANSWERS))]


@pytest.mark.parametrize("status", ["103 Early Hints", "101 Switching Protocols"])
async def test_answers_before_the_final_one_are_made_local_too(status: str) -> None:
    async def talk(call: raw.Call) -> None:
        await call.read_head()
        own = service.url.encode()
        await call.say(
            b"HTTP/1.1 %b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Link: <%b/a>; rel=preload\r\nSet-Cookie: a=b; Domain=localhost\r\n\r\n"
            % (status.encode(), own)
        )
        if status.startswith("103"):
            await call.say(raw.OK)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(
            b"GET / HTTP/1.1\r\nHost: localhost\r\n"
            b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert b"Link: <http://localhost/a>; rel=preload\r\n" in head
    assert b"Set-Cookie: a=b\r\n" in head


def test_each_field_stands_in_one_row_for_each_direction() -> None:
    names = [(row.where, row.name.lower()) for row in TABLE]

    assert sorted(set(names), key=str) == sorted(names, key=str)
    assert {In.REQUEST} == {row.where for row in REQUESTS}
    assert {In.ANSWER} == {row.where for row in ANSWERS}
    assert all(row.source for row in TABLE)


@pytest.mark.parametrize("row", [row for row in TABLE if row.change], ids=lambda row: row.name)
def test_each_row_knows_the_path_that_the_service_does_not_see(row: Row) -> None:
    home = Home(services=(THERE.encode(),), client=HERE.encode(), prefix=b"/one")
    change = row.change
    assert change is not None

    def below(text: str) -> str:
        """Paths here begin with the prefix."""
        return re.sub(r'("|' + HERE + ")/", r"\1/one/", text)

    comes = below(row.comes) if row.where is In.REQUEST else row.comes
    goes = below(row.goes or "") if row.where is In.ANSWER else row.goes or ""
    if row.name == "Set-Cookie":
        goes += "; Path=/one"

    assert goes == (change(comes.encode(), home) or b"").decode()
