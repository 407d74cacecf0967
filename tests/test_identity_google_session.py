import ssl
from pathlib import Path

import pytest
import requests
from aiohttp import web
from aiohttp.test_utils import TestServer

from authproxy.identity.google.session import new_session
from authproxy.threads import in_thread
from tests.support.certificates import write_lax_chain
from tests.support.connecting import connect_proxy
from tests.support.raw import raw_service


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_an_inspecting_proxys_authority_will_do_and_the_name_is_checked(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca_file, pair = write_lax_chain(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    application = web.Application()
    application.router.add_get("/", hello)

    def ask(url: str) -> str:
        with new_session() as session:
            try:
                return session.get(url, timeout=5).text
            except requests.exceptions.SSLError as error:
                return str(error)

    server = TestServer(application, host="127.0.0.1", scheme="https")
    await server.start_server(ssl=context)
    said = await in_thread(lambda: ask(f"https://{host}:{server.port}/"), name="ask")
    await server.close()

    assert said == "hello" if host == "localhost" else "IP address mismatch" in said


async def test_an_authority_that_nobody_named_is_not_trusted(tmp_path: Path) -> None:
    _, pair = write_lax_chain(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    server = TestServer(web.Application(), host="127.0.0.1", scheme="https")
    await server.start_server(ssl=context)

    def ask() -> None:
        with new_session() as session:
            session.get(f"https://localhost:{server.port}/", timeout=5)

    with pytest.raises(requests.exceptions.SSLError, match="certificate verify failed"):
        await in_thread(ask, name="ask")
    await server.close()


@pytest.mark.parametrize("knows", [True, False])
async def test_a_proxy_in_tls_is_judged_as_what_is_behind_it(
    knows: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """urllib3 makes a context of its own for it, which on 3.13 is as strict as Python's."""
    ca_file, pair = write_lax_chain(tmp_path)
    if knows:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)

    def ask(url: str, proxy: str) -> str:
        with new_session() as session:
            try:
                return session.get(url, proxies={"https": proxy}, timeout=5).text
            except requests.exceptions.ProxyError as error:
                return str(error)

    async with raw_service(tls=context) as service, connect_proxy(tls=context) as proxy:
        said = await in_thread(lambda: ask(f"{service.url}/", proxy.url), name="ask")

    assert said == "ok" if knows else "CERTIFICATE_VERIFY_FAILED" in said
    assert bool(service.heads) == knows
