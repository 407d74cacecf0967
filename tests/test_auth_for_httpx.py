from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from authproxy.errors import CredentialError
from tests.support.auth_world import BOT, AuthWorld, auth_world, in_thread


def stream() -> Iterator[bytes]:
    yield b"cannot be read twice"


async def astream() -> AsyncIterator[bytes]:
    yield b"cannot be read twice"


def client(there: AuthWorld, auth: httpx.Auth) -> httpx.Client:
    context = there.world.client_context()
    return httpx.Client(auth=auth, verify=context, follow_redirects=True, trust_env=False)


def aclient(there: AuthWorld, auth: httpx.Auth) -> httpx.AsyncClient:
    context = there.world.client_context()
    return httpx.AsyncClient(auth=auth, verify=context, follow_redirects=True, trust_env=False)


async def test_both_kinds_of_clients_get_a_token_and_other_hosts_none() -> None:
    async with auth_world() as there, there.auth() as auth:
        texts = []

        def sync() -> None:
            with client(there, auth.httpx()) as http:
                texts.append(http.get(f"{there.url}/whoami").text)
                texts.append(http.get(f"{there.url}/redirect?absolute=1").text)
                http.get(f"{there.stranger.url}/echo")

        await in_thread(sync)
        async with aclient(there, auth.httpx()) as http:
            texts.append((await http.get(f"{there.url}/whoami")).text)
            await http.get(f"{there.stranger.url}/echo")

    assert [BOT] * 3 == [text.split()[0] for text in texts]
    assert [{}, {}] == there.at_stranger
    assert 1 == there.mints


async def test_a_redirect_elsewhere_leaves_the_token_behind() -> None:
    async with auth_world() as there, there.auth() as auth:

        def sync() -> None:
            with client(there, auth.httpx()) as http:
                for status in (301, 302, 303, 307, 308):
                    assert 200 == http.get(there.to_stranger(status)).status_code

        await in_thread(sync)
        async with aclient(there, auth.httpx()) as http:
            assert 200 == (await http.get(there.to_stranger())).status_code

    assert [{}] * 6 == there.at_stranger


async def test_a_token_that_httpx_would_carry_elsewhere_is_not_sent() -> None:
    own = {"Authorization": "Basic app"}
    async with auth_world() as there, there.auth() as auth:

        def sync() -> None:
            with client(there, auth.httpx()) as http:
                with pytest.raises(CredentialError, match="X-Serverless-Authorization"):
                    http.get(there.to_stranger(), headers=own)
                http.get(f"{there.stranger.url}/echo", headers=own)

        await in_thread(sync)
        async with aclient(there, auth.httpx()) as http:
            with pytest.raises(CredentialError, match="X-Serverless-Authorization"):
                await http.get(there.to_stranger(), headers=own)

    assert ([], [{"authorization": "Basic app"}]) == (there.at_service, there.at_stranger)


async def test_a_token_that_google_calls_invalid_is_replaced_once() -> None:
    async with auth_world() as there:
        with there.auth() as auth:

            def sync() -> None:
                with client(there, auth.httpx()) as http:
                    http.get(f"{there.url}/whoami")
                    there.revoke()
                    assert 401 == http.post(f"{there.url}/upload", content=stream()).status_code
                    assert 200 == http.post(f"{there.url}/upload", content=b"x").status_code
                    there.revoke()
                    assert 401 == http.get(f"{there.url}/whoami").status_code

            await in_thread(sync)
        with there.auth() as auth:
            async with aclient(there, auth.httpx()) as http:
                await http.get(f"{there.url}/whoami")
                there.revoke()
                answers = [
                    await http.post(f"{there.url}/upload", content=astream()),
                    await http.post(f"{there.url}/upload", json={}),
                ]

    assert [401, 200] == [answer.status_code for answer in answers]
    assert 4 == there.mints
