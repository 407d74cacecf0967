"""What files hold that a configuration names: taken anew by a reload, or when they change."""

import ssl
from pathlib import Path

import trustme

from tests.support.certificates import write_authority
from tests.support.raw import Call, raw_service
from tests.support.running import running
from tests.support.talking import read_answer, until

KEPT = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
NOBODY = b"HTTP/1.1 502"


async def key(call: Call) -> None:
    while head := await call.read_head():
        body = b"first" if b"first-key" in head else b"second" if b"second-key" in head else b"none"
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def test_a_file_of_tls_that_changes_is_used_and_so_is_a_secret(tmp_path: Path) -> None:
    right, wrong = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    right.issue_cert("localhost").configure_cert(context)
    secret, trusted = tmp_path / "key", write_authority(tmp_path, wrong)
    secret.write_text("first-key")
    secret.chmod(0o600)
    async with raw_service(key, tls=context) as service:
        text = (
            f'listen = ["127.0.0.1:0"]\n[services.a]\nurl = "{service.url}"\ncredentials = "none"\n'
            f'api_key = "file:key"\nca_file = "{trusted.name}"\n'
        )
        async with running(tmp_path, text) as it:
            reader, writer = await it.connect()
            writer.write(KEPT)
            assert (await read_answer(reader))[0].startswith(NOBODY)
            write_authority(tmp_path, right)
            before = it.proxy.inside.upstreams["a"]
            await until(lambda: it.proxy.inside.upstreams["a"] is not before)
            writer.write(KEPT)
            assert b"first" == (await read_answer(reader))[1]
            calls = len(service.calls)
            secret.write_text("second-key")
            assert not (await it.reload(text + "\n")).problems
            writer.write(KEPT)
            assert b"second" == (await read_answer(reader))[1]
            writer.close()

            assert calls == len(service.calls), "the connection to the service is the same"
            assert 1 == len(it.proxy.urls)
