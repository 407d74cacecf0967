from pathlib import Path

import pytest

from tests.support.raw import raw_service
from tests.support.running import running
from tests.support.talking import until

PLAIN = 'listen = "127.0.0.1:0"\n'


def services(url: str, count: int) -> str:
    return PLAIN + "".join(
        f'[services.s{number}]\nurl = "{url}"\ncredentials = "none"\npath = "/{number}"\n'
        for number in range(count)
    )


async def test_a_connection_is_there_before_the_first_request(tmp_path: Path) -> None:
    async with raw_service() as service, running(tmp_path, services(service.url, 2)):
        await until(lambda: len(service.calls) == 2)

    assert [] == service.heads


async def test_with_very_many_services_there_is_none(tmp_path: Path) -> None:
    async with (
        raw_service() as service,
        running(tmp_path, services(service.url, 33)) as found,
    ):
        answer = await found.ask(b"GET /0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

    assert b"200 OK" in answer
    assert 1 == len(service.calls)


async def test_a_token_that_cannot_be_had_is_in_the_log_early(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = f'{PLAIN}[services.a]\nurl = "https://a.example"\ncredentials = "command:false"\n'
    async with running(tmp_path, text):
        await until(lambda: "no identity token for https://a.example" in caplog.text)
