"""Questions by gRPC to a whole authproxy, as Envoy asks them."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import grpc
import pytest

from authproxy.authorizer.envoy_messages import CheckRequest, CheckResponse
from authproxy.authorizer.ext_authz import CLIENT_METADATA
from authproxy.authorizer.grpc_form import SERVICE, EnvoyPeer
from authproxy.errors import StartError
from tests.support.jwt import unsigned_jwt
from tests.support.running import running
from tests.test_authorizer_ext_authz import check
from tests.test_authorizer_http_form import CONFIG


def config(folder: Path, port: int = 0) -> str:
    (folder / "token").write_text(unsigned_jwt(aud="https://a.example"))
    text = CONFIG.format(folder=folder) + 'hosts = ["billing.example.com"]\n'
    return text.replace(
        'listen = "127.0.0.1:0"\n[services', f'grpc = "127.0.0.1:{port}"\n[services'
    )


async def ask(folder: Path, text: str, question: Any, client: str = "") -> Any:
    async with running(folder, text) as it:
        [url] = it.proxy.inside.authorizer.urls
        async with grpc.aio.insecure_channel(url.removeprefix("grpc://")) as channel:
            method = channel.unary_unary(
                f"/{SERVICE}/Check",
                request_serializer=CheckRequest.SerializeToString,
                response_deserializer=CheckResponse.FromString,
            )
            metadata = [(CLIENT_METADATA, client)] if client else []
            return await method(question, timeout=20, metadata=metadata)


async def test_a_yes_has_the_token(tmp_path: Path) -> None:
    response = await ask(tmp_path, config(tmp_path), check(client="127.0.0.1"))

    fields = {each.header.key: each.header.value for each in response.ok_response.headers}
    assert 0 == response.status.code
    assert fields["authorization"].startswith("Bearer eyJ")


async def test_a_no_has_none(tmp_path: Path) -> None:
    response = await ask(tmp_path, config(tmp_path), check(client="192.0.2.7"))

    assert 403 == response.denied_response.status.code
    assert "eyJ" not in str(response)


async def test_the_client_that_envoy_names_beside_the_question_is_judged(tmp_path: Path) -> None:
    response = await ask(tmp_path, config(tmp_path), check(client="127.0.0.1"), "192.0.2.7")

    assert 403 == response.denied_response.status.code


async def test_who_is_no_trusted_proxy_gets_a_no(tmp_path: Path) -> None:
    text = config(tmp_path).replace('trusted_proxies = ["127.0.0.1"]', 'trusted_proxies = ["::1"]')

    response = await ask(tmp_path, text, check(client="127.0.0.1"))

    assert 403 == response.denied_response.status.code


async def test_an_empty_question_gets_a_no(tmp_path: Path) -> None:
    response = await ask(tmp_path, config(tmp_path), CheckRequest())

    assert 400 == response.denied_response.status.code


async def test_a_port_in_use_is_told_with_the_name_of_the_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(StartError) as error:
        async with running(tmp_path, config(tmp_path, taken.getsockname()[1])):
            pass

    assert "`authorizer.grpc`" in error.value.hint


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_localhost_is_not_shared_with_whoever_has_one_of_its_addresses(
    tmp_path: Path, host: str
) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as taken:
        text = config(tmp_path, taken.getsockname()[1]).replace(
            'grpc = "127.0.0.1:', 'grpc = "localhost:'
        )
        with pytest.raises(StartError, match="the authorizer cannot listen at"):
            async with running(tmp_path, text):
                pass


async def test_localhost_is_both_of_its_addresses(tmp_path: Path) -> None:
    text = config(tmp_path).replace('grpc = "127.0.0.1:', 'grpc = "localhost:')
    async with running(tmp_path, text) as it:
        port = int(it.proxy.inside.authorizer.urls[0].rpartition(":")[2])
        for host in ("127.0.0.1", "::1"):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()


@pytest.mark.parametrize(
    ("peer", "host"),
    [("ipv4:127.0.0.1:50000", "127.0.0.1"), ("ipv6:%5B::1%5D:50000", "::1"), ("unix:/tmp/s", "")],
)
def test_peers_of_grpc_have_their_address(peer: str, host: str) -> None:
    assert host == EnvoyPeer(peer).get_extra_info("peername")[0]
