import io
from collections.abc import Iterator

import requests

from authproxy.auth import ServiceAuth
from tests.support.auth_world import BOT, AuthWorld, auth_world, in_thread


def stream() -> Iterator[bytes]:
    yield b"cannot be read twice"


def session(there: AuthWorld, auth: ServiceAuth) -> requests.Session:
    made = requests.Session()
    made.trust_env = False  # REQUESTS_CA_BUNDLE would count before `verify`
    made.auth, made.verify = auth.requests(), str(there.world.ca_file)
    return made


async def test_requests_get_a_token_and_other_hosts_none() -> None:
    async with auth_world() as there, there.auth() as auth:

        def work() -> None:
            with session(there, auth) as http:
                for path in ("/whoami", "/redirect?absolute=1", "/redirect"):
                    assert BOT == http.get(there.url + path).text.split()[0]
                http.get(f"{there.stranger.url}/echo")
                http.get(f"{there.stranger.url}/redirect?to={there.url}/echo")

        await in_thread(work)

    assert [{}, {}] == there.at_stranger
    assert 1 == there.mints


async def test_a_redirect_elsewhere_leaves_the_token_behind_whatever_its_field() -> None:
    async with auth_world() as there:
        there.world.cloud_run.gate.invokers.add("allUsers")
        for settings in ({}, {"token_header": "X-Token"}):
            with there.auth(**settings) as auth:

                def work(auth: ServiceAuth = auth) -> None:
                    with session(there, auth) as http:
                        for status in (301, 302, 303, 307, 308):
                            assert 200 == http.get(there.to_stranger(status)).status_code
                        here = f"{there.url}/redirect?to=/redirect?to={there.stranger.url}/echo"
                        assert 200 == http.get(here).status_code

                await in_thread(work)

    assert [{}] * 12 == there.at_stranger
    assert all(fields for _, fields in there.at_service)


async def test_a_token_beside_an_own_authorization_stays_with_its_service() -> None:
    """requests takes off `Authorization` alone."""
    async with auth_world() as there, there.auth() as auth:
        bearer = auth.requests()

        def basic(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = "Basic app"
            return bearer(request)

        def work() -> None:
            with session(there, auth) as http:
                assert 200 == http.get(there.to_stranger(), auth=basic).status_code

        await in_thread(work)

    ((_, fields),) = there.at_service
    assert ["authorization", "x-serverless-authorization"] == list(fields)
    assert [{}] == there.at_stranger


async def test_a_token_that_google_calls_invalid_is_replaced_once() -> None:
    async with auth_world() as there, there.auth() as auth:

        def work() -> None:
            with session(there, auth) as http:
                http.get(f"{there.url}/whoami")
                there.revoke()
                answer = http.post(f"{there.url}/upload", data=b"x")
                assert (200, [401]) == (
                    answer.status_code,
                    [each.status_code for each in answer.history],
                )
                there.revoke()
                assert 401 == http.get(f"{there.url}/whoami").status_code

        await in_thread(work)

    assert 2 == there.mints


async def test_a_body_that_is_gone_is_not_sent_again_but_the_next_one_has_a_new_token() -> None:
    async with auth_world() as there, there.auth() as auth:

        def work() -> None:
            with session(there, auth) as http:
                http.get(f"{there.url}/whoami")
                there.revoke()
                found = [
                    http.post(f"{there.url}/upload", data=body).status_code
                    for body in (stream(), io.BytesIO(b"a file"))
                ]
                assert [401, 200] == found

        await in_thread(work)

    assert 2 == there.mints


async def test_an_answer_after_another_token_leads_elsewhere_without_it() -> None:
    async with auth_world() as there, there.auth() as auth:

        def work() -> None:
            with session(there, auth) as http:
                http.get(f"{there.url}/whoami")
                there.revoke()
                assert 200 == http.get(there.to_stranger()).status_code

        await in_thread(work)

    assert [{}] == there.at_stranger
