import io
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest

from authproxy.errors import CredentialError
from tests.support.auth_world import BOT, AuthWorld, auth_world


def client(there: AuthWorld, *middlewares: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=there.world.client_context())
    return aiohttp.ClientSession(middlewares=middlewares, connector=connector)


async def stream() -> AsyncIterator[bytes]:
    yield b"cannot be read twice"


async def test_requests_and_websockets_get_a_token_and_others_none() -> None:
    async with (
        auth_world() as there,
        there.auth() as auth,
        client(there, auth.aiohttp()) as session,
    ):
        async with session.get(f"{there.url}/whoami") as answer:
            text = await answer.text()
        async with session.ws_connect(f"{there.url}/ws") as socket:
            await socket.send_str("hello")
            said = await socket.receive_str()
        async with session.get(f"{there.stranger.url}/echo") as answer:
            status = answer.status

    assert (BOT, "hello", 200) == (text.split()[0], said, status)
    assert [{}] == there.at_stranger
    assert 1 == there.mints


async def test_a_redirect_elsewhere_leaves_the_token_behind_and_one_that_stays_does_not() -> None:
    async with (
        auth_world() as there,
        there.auth() as auth,
        client(there, auth.aiohttp()) as session,
    ):
        for own in ({}, {"Authorization": "Basic app"}):
            for status in (301, 302, 303, 307, 308):
                async with session.get(there.to_stranger(status), headers=own) as answer:
                    assert 200 == answer.status
        async with session.get(f"{there.url}/redirect?absolute=1") as answer:
            text = await answer.text()

    assert BOT == text.split()[0]
    assert [{}] * 10 == there.at_stranger


async def test_an_own_authorization_goes_to_the_application() -> None:
    async with (
        auth_world() as there,
        there.auth() as auth,
        client(there, auth.aiohttp()) as session,
        session.get(f"{there.url}/echo", headers={"Authorization": "Basic app"}),
    ):
        pass

    ((_, fields),) = there.at_service
    assert "Basic app" == fields["authorization"]
    assert "x-serverless-authorization" in fields


@pytest.mark.parametrize("body", [None, b"bytes", "text", {"a": "form"}])
async def test_a_token_that_google_calls_invalid_is_replaced_once(body: object) -> None:
    async with (
        auth_world() as there,
        there.auth() as auth,
        client(there, auth.aiohttp()) as session,
    ):
        async with session.get(f"{there.url}/whoami"):
            there.revoke()
        async with session.post(f"{there.url}/upload", data=body) as answer:
            first = answer.status
        there.revoke()
        async with session.post(f"{there.url}/upload", data=body) as answer:
            second = answer.status

    assert (200, 401) == (first, second)  # twice in half a minute is no accident
    assert 2 == there.mints


async def test_a_body_that_is_gone_is_not_sent_again_but_the_next_has_a_new_token() -> None:
    async with (
        auth_world() as there,
        there.auth() as auth,
        client(there, auth.aiohttp()) as session,
    ):
        async with session.get(f"{there.url}/whoami"):
            there.revoke()
        statuses = []
        for body in (stream(), io.BytesIO(b"a file")):
            async with session.post(f"{there.url}/upload", data=body) as answer:
                statuses.append(answer.status)

    assert [401, 200] == statuses
    assert 2 == there.mints


async def test_google_s_refusal_is_explained_in_the_log_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with (
        auth_world() as there,
        there.auth() as auth,
        client(there, auth.aiohttp()) as session,
    ):
        there.world.cloud_run.gate.invokers.clear()
        for _ in range(2):
            async with session.get(f"{there.url}/some/path?q=1") as answer:
                assert 403 == answer.status

    said = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    (line,) = (each for each in said if each.startswith("Google refused"))
    assert f"{BOT} may not call this service: it lacks roles/run.invoker" in line


async def test_without_a_token_nothing_is_sent_and_the_error_says_what_to_do() -> None:
    async with auth_world() as there:
        there.world.google.token.fail_with(400, '{"error": "invalid_grant"}', "application/json")
        async with there.auth() as auth, client(there, auth.aiohttp()) as session:
            with pytest.raises(CredentialError) as caught:
                await session.get(f"{there.url}/whoami")

    assert [] == there.at_service
    assert caught.value.__notes__ == [caught.value.hint]


async def test_a_token_in_a_field_of_another_name_and_none_at_all() -> None:
    async with auth_world() as there:
        async with there.auth(token_header="X-Token") as auth:
            there.world.cloud_run.gate.invokers.add("allUsers")
            async with client(there, auth.aiohttp()) as session:
                async with session.get(f"{there.url}/echo", headers={"X-Token": "mine"}):
                    pass
                async with session.get(there.to_stranger()):
                    pass
        there.credentials = "none"
        async with (
            there.auth() as auth,
            client(there, auth.aiohttp()) as session,
            session.get(f"{there.url}/echo"),
        ):
            pass

    (_, own), _, (_, without) = there.at_service
    assert own["x-token"].startswith("Bearer ")
    assert {} == without
    assert [{}] == there.at_stranger
