from typing import Any

import grpc
import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from authproxy.auth import ServiceAuth
from tests.support.auth_world import AuthWorld, auth_world, in_thread

CHECK = health_pb2.HealthCheckRequest()


def credentials(there: AuthWorld, auth: ServiceAuth) -> Any:
    tls = grpc.ssl_channel_credentials(there.world.ca_file.read_bytes())
    return grpc.composite_channel_credentials(tls, auth.grpc())


async def test_calls_of_both_kinds_of_channels_get_a_token() -> None:
    async with auth_world() as there, there.auth() as auth:
        target = f"localhost:{there.world.cloud_run.port}"
        found: list[Any] = []

        def sync() -> None:
            with grpc.secure_channel(target, credentials(there, auth)) as channel:
                stub = health_pb2_grpc.HealthStub(channel)
                found.extend(stub.Check(CHECK, timeout=10) for _ in range(2))

        await in_thread(sync)
        async with aio.secure_channel(target, credentials(there, auth)) as channel:
            found.append(await health_pb2_grpc.HealthStub(channel).Check(CHECK, timeout=10))

    assert [1, 1, 1] == [each.status for each in found]
    assert 1 == there.mints
    assert all("authorization" in fields for _, fields in there.at_service)


async def test_a_call_to_a_service_that_is_not_named_fails_without_a_token() -> None:
    async with auth_world() as there, there.auth() as auth:
        target = f"localhost:{there.stranger.port}"
        async with aio.secure_channel(target, credentials(there, auth)) as channel:
            with pytest.raises(aio.AioRpcError, match="is not one of the services named"):
                await health_pb2_grpc.HealthStub(channel).Check(CHECK, timeout=10)

    assert [] == there.at_stranger


async def test_a_call_without_a_token_fails_and_says_why() -> None:
    async with auth_world() as there:
        there.world.google.token.fail_with(400, '{"error": "invalid_grant"}', "application/json")
        async with there.auth() as auth:
            target = f"localhost:{there.world.cloud_run.port}"
            async with aio.secure_channel(target, credentials(there, auth)) as channel:
                with pytest.raises(aio.AioRpcError, match=r"file:.*\.json"):
                    await health_pb2_grpc.HealthStub(channel).Check(CHECK, timeout=10)
                auth.close()
                with pytest.raises(aio.AioRpcError):
                    await health_pb2_grpc.HealthStub(channel).Check(CHECK, timeout=10)

    assert [] == there.at_service
