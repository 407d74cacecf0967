"""Another configuration while requests, streams and tunnels are under way."""

import asyncio
import hashlib
import re
import socket
from pathlib import Path

import pytest

from authproxy.tasks import Tasks
from tests.support.raw import Call, raw_service
from tests.support.running import running
from tests.support.talking import read_answer, until, was_cut

KEYS = {name: name * 32 for name in "kl"}
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
KEPT = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def echo(call: Call) -> None:
    """Says which rules let each request in, by a header that only the rules can have put there."""
    while head := await call.read_head():
        rules = re.findall(rb"\r\nRules: (\w+)", head)
        body = b" ".join(rules)
        if b"/stream" in head:
            await call.say(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: %b\n\n" % body
            )
            await call.reader.read(1)
            return
        if b"\r\nUpgrade:" in head:
            await call.say(b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
            while data := await call.reader.read(100):
                await call.say(data)
            return
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


def config(url: str, rules: str, top: str = "", more: str = "", listen: str = "127.0.0.1:0") -> str:
    return f"""
listen = ["{listen}"]
{top}
[services.a]
url = "{url}"
credentials = "none"
path = "/"
add_headers = ["Rules: {rules}"]
{more}
"""


async def test_the_next_request_on_the_same_connection_goes_by_the_new_rules(
    tmp_path: Path,
) -> None:
    async with raw_service(echo) as service, running(tmp_path, config(service.url, "one")) as it:
        reader, writer = await it.connect()
        port = it.port
        said = []
        for rules in ("one", "two", "two"):
            found = await it.reload(config(service.url, rules))
            assert () == found.problems
            writer.write(KEPT)
            said.append((await read_answer(reader))[1])
        writer.close()

        assert [b"one", b"two", b"two"] == said
        assert port == it.port
        assert 1 == len(service.calls), "the connection to the service is the same"


async def test_what_is_under_way_ends_by_the_rules_that_it_began_with(tmp_path: Path) -> None:
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(call: Call) -> None:
        head = await call.read_head()
        asked.set()
        await goes_on.wait()
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + head[-7:-4])

    async with (
        raw_service(slow) as before,
        raw_service(echo) as after,
        running(tmp_path, config(before.url, "one")) as it,
    ):
        reader, writer = await it.connect()
        writer.write(KEPT)
        await asked.wait()
        await it.reload(config(after.url, "two"))
        goes_on.set()
        assert b"HTTP/1.1 200 OK" in (await read_answer(reader))[0]
        writer.write(KEPT)
        assert b"two" == (await read_answer(reader))[1]
        writer.close()
        await until(lambda: all(call.reader.at_eof() for call in before.calls))


async def test_a_configuration_with_mistakes_changes_nothing_and_each_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with raw_service(echo) as service, running(tmp_path, config(service.url, "one")) as it:
        broken = config(service.url, "two", 'deny = ["x"]\ntls_cert_file = "none"', 'paths = "no"')
        found = await it.reload(broken)
        missing = 'ca_file = "missing.pem"'
        later = await it.reload(config(service.url, "two", 'allow_file = "gone"', missing))

        assert 3 <= len(found.problems)
        assert 2 == len(later.problems), later.problems
        assert list(later.problems) == list(it.proxy.inside.reload_problems)
        assert (await it.ask(GET)).endswith(b"one")
        assert "nothing has changed" in caplog.text
        assert not (await it.reload(config(service.url, "two"))).problems
        assert not it.proxy.inside.reload_problems
        assert (await it.ask(GET)).endswith(b"two")


def with_key(*names: str, services: str = "") -> str:
    digests = {name: hashlib.sha256(KEYS[name].encode()).hexdigest() for name in names}
    return "".join(
        f'[keys.{name}]\nsha256 = ["{digest}"]\n{services}\n' for name, digest in digests.items()
    )


TAKEN_OUT = {
    "the address": ('deny = ["127.0.0.1"]', "", ""),
    "the address at the service": ("", 'deny = ["127.0.0.1"]', ""),
    "the key": ("", "", with_key("l")),
    "the key's service": (
        "",
        "",
        '[services.b]\nurl = "http://127.0.0.1:9"\ncredentials = "none"\n'
        + with_key("k", services='services = ["b"]'),
    ),
}


@pytest.mark.parametrize("what", TAKEN_OUT)
async def test_who_was_taken_out_is_cut_at_once(what: str, tmp_path: Path) -> None:
    top, own, more = TAKEN_OUT[what]
    key = f"X-Api-Key: {KEYS['k']}\r\n\r\n".encode()
    upgrade = b"Connection: upgrade\r\nUpgrade: x\r\n" + key
    async with (
        raw_service(echo) as service,
        running(tmp_path, config(service.url, "one") + with_key("k", "l")) as it,
    ):
        stream, stream_writer = await it.connect()
        stream_writer.write(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n" + key)
        await stream.readuntil(b"data: one\n\n")
        tunnel, tunnel_writer = await it.connect()
        tunnel_writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + upgrade)
        await tunnel.readuntil(b"\r\n\r\n")
        idle, idle_writer = await it.connect()
        idle_writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + key)
        await read_answer(idle)
        keys = more or with_key("k", "l")
        kept = await it.reload(config(service.url, "two") + with_key("k", "l"))
        tunnel_writer.write(b"still")
        assert b"still" == await tunnel.readexactly(5)
        found = await it.reload(config(service.url, "two", top, own) + keys)

        assert [] == [*kept.problems, *found.problems]
        for reader in (stream, tunnel, idle):
            async with asyncio.timeout(5):
                assert await was_cut(reader) or b"" == await reader.read()
        for writer in (stream_writer, tunnel_writer, idle_writer):
            writer.close()
        await until(lambda: not it.connections)


async def test_the_others_go_on_when_a_service_is_taken_out(tmp_path: Path) -> None:
    other = '\n[services.b]\nurl = "{}"\ncredentials = "none"\nadd_headers = ["Rules: b"]\n'
    async with raw_service(echo) as service:
        both = config(service.url, "one") + other.format(service.url)
        async with running(tmp_path, both) as it:
            streams = {}
            for name in ("a", "b"):
                streams[name] = await it.connect()
                host = f"{name}.localhost".encode()
                streams[name][1].write(b"GET /stream HTTP/1.1\r\nHost: %b\r\n\r\n" % host)
                await streams[name][0].readuntil(b"\n\n\r\n")
            await it.reload(config(service.url, "two"))

            assert await was_cut(streams["b"][0])
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await streams["a"][0].read(1)
            for _, writer in streams.values():
                writer.close()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["127.0.0.1:{}"], ["0.0.0.0:{}"]),
        (["0.0.0.0:{}"], ["127.0.0.1:{}"]),
        (["127.0.0.1:{}"], ["localhost:{}"]),
        (["localhost:{}"], ["127.0.0.1:{}"]),
        (["127.0.0.1:{}"], ["[::]:{}"]),
    ],
)
async def test_a_listener_moves_without_a_moment_in_which_nobody_listens(
    before: list[str], after: list[str], tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def at(listens: list[str], rules: str) -> str:
        keys = 'allow = ["127.0.0.1", "::1"]'
        return config(service.url, rules, keys, listen=listens[0].format(port)) + with_key("k")

    tasks = Tasks()
    request = GET[:-2] + f"X-Api-Key: {KEYS['k']}\r\n\r\n".encode()
    async with raw_service(echo) as service, running(tmp_path, at(before, "one")) as it:
        kept, kept_writer = await it.connect()
        kept_writer.write(KEPT[:-2] + f"X-Api-Key: {KEYS['k']}\r\n\r\n".encode())
        assert b"one" == (await read_answer(kept))[1]
        asking = [tasks.start(it.ask(request, port), name="asks") for _ in range(20)]
        await asyncio.sleep(0)
        found = await it.reload(at(after, "two"))
        assert () == found.problems
        answers = [await each for each in asking] + [await it.ask(request, port)]
        kept_writer.close()

    assert {b"one", b"two"} >= {answer[-3:] for answer in answers}
    assert b"two" == answers[-1][-3:]


async def test_a_listener_that_is_no_more_lets_those_end_who_came_by_it(tmp_path: Path) -> None:
    second = '[listeners.b]\nlisten = "127.0.0.1:0"\nallow = ["127.0.0.1"]\n'
    async with (
        raw_service(echo) as service,
        running(tmp_path, config(service.url, "one") + second) as it,
    ):
        if True:
            port = it.ports[1]
            stream, writer = await it.connect(port)
            writer.write(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await stream.readuntil(b"\n\n\r\n")
            idle, idle_writer = await it.connect(port)
            idle_writer.write(KEPT)
            await read_answer(idle)
            await it.reload(config(service.url, "two"))

            assert b"" == await idle.read()
            with pytest.raises(ConnectionRefusedError):
                await it.connect(port)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await stream.read(1)
            await it.reload(config(service.url, "two", 'deny = ["127.0.0.1"]'))
            assert await was_cut(stream)
            for each in (writer, idle_writer):
                each.close()


async def test_a_port_that_is_taken_is_said_and_nothing_changes(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        async with (
            raw_service(echo) as service,
            running(tmp_path, config(service.url, "one")) as it,
        ):
            found = await it.reload(config(service.url, "two", listen=listen))

            assert ["Address already in use" in problem for problem in found.problems] == [True]
            assert (await it.ask(GET)).endswith(b"one")


async def test_descriptors_and_pools_do_not_grow(tmp_path: Path) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with raw_service(echo) as service, running(tmp_path, config(service.url, "one")) as it:
        await it.reload(config(service.url, "two"))
        before = open_files()
        for number in range(20):
            listen = f"127.0.0.{1 + number % 3}:0"
            text = (
                config(service.url, f"n{number}", listen=listen)
                + f"first_byte_timeout = {number + 1}\n"
            )
            assert () == (await it.reload(text)).problems
            assert (
                (await it.ask(GET.replace(b"localhost", b"a.localhost")))
                if number % 3 == 0
                else True
            )
        await it.reload(config(service.url, "two"))
        await until(lambda: open_files() <= before + 4)
