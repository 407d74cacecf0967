"""Against grpcio's own reflection, and services that say other things."""

import asyncio

import grpc
import pytest
import trustme

from authproxy.errors import UpstreamError
from authproxy.inspector.reflection import NoDescription, ReflectionTarget, find_descriptions
from authproxy.values.addresses import parse_origin
from authproxy.wire.upstream.connector import Connector
from tests.support.grpc_service import NAME, grpc_service
from tests.support.http2 import h2_trust

TOKEN = [("authorization", "Bearer t0ken")]


def target(url: str, authority: trustme.CA | None = None) -> ReflectionTarget:
    trust = None if authority is None else h2_trust(authority)
    connector = Connector(
        origin=parse_origin(url),
        timeout_s=5.0,
        contexts=None if trust is None else lambda _: trust,
    )
    return ReflectionTarget(connector=connector, headers=TOKEN)


@pytest.mark.parametrize("versions", [("v1",), ("v1alpha",), ("v1alpha", "v1")])
async def test_a_service_describes_its_messages_with_all_that_they_import(
    versions: tuple[str, ...],
) -> None:
    async with grpc_service(*versions) as service:
        found = await find_descriptions(target(f"http://127.0.0.1:{service.port}"), NAME)

    assert ("shop.v1.Account", "shop.v1.Account") == found.methods[f"{NAME}/Watch"]
    assert {"shop.v1.Kind"} == set(found.enums)
    assert "google.protobuf.Any" in found.messages
    assert ["Bearer t0ken"] == [each["authorization"] for each in service.told]


async def test_it_is_asked_in_tls() -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    credentials = grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])
    async with grpc_service("v1", credentials=credentials) as service:
        found = await find_descriptions(
            target(f"https://localhost:{service.port}", authority), NAME
        )

    assert f"{NAME}/Get" in found.methods


async def test_without_reflection_that_is_said() -> None:
    async with grpc_service() as service:
        with pytest.raises(NoDescription, match="has no reflection"):
            await find_descriptions(target(f"http://127.0.0.1:{service.port}"), NAME)


async def test_a_service_that_its_reflection_does_not_know_is_said() -> None:
    async with grpc_service("v1") as service:
        with pytest.raises(NoDescription, match="Its reflection says: not found"):
            await find_descriptions(target(f"http://127.0.0.1:{service.port}"), "Unheard")


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "closed the connection"),
        (b"", "closed the connection"),
        (b"\0\0\0\4\0\0\0\0\0" + b"\0\0\4\0\1\0\0\0\1\x84\x84\x84\x84", "said:|not speak|ended"),
    ],
)
async def test_what_else_it_says_is_told(says: bytes, why: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(says)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NoDescription, match=why):
            await find_descriptions(target(f"http://127.0.0.1:{port}"), NAME)


async def test_one_that_is_not_there_is_an_upstream_error() -> None:
    with pytest.raises(UpstreamError):
        await find_descriptions(target("http://127.0.0.1:1"), NAME)
