"""Where the authorizer listens."""

import socket
from pathlib import Path

import pytest

from authproxy.errors import StartError
from tests.support.running import running
from tests.test_authorizer_http_form import CONFIG


async def test_there_is_none_unless_the_settings_ask_for_one(tmp_path: Path) -> None:
    text = CONFIG.format(folder=tmp_path).replace('[authorizer]\nlisten = "127.0.0.1:0"\n', "")
    async with running(tmp_path, text) as it:
        assert [] == it.proxy.inside.authorizer.urls
        assert it.proxy.inside.authorizer.authorizer is None


async def test_a_port_in_use_is_told_with_the_name_of_the_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = CONFIG.format(folder=tmp_path).replace(
            '[authorizer]\nlisten = "127.0.0.1:0"', f'[authorizer]\nlisten = "127.0.0.1:{port}"'
        )
        with pytest.raises(StartError) as error:
            async with running(tmp_path, text):
                pass

    assert str(error.value).startswith("the authorizer ")
    assert "`authorizer.listen`" in error.value.hint


async def test_it_is_closed_with_the_proxy(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG.format(folder=tmp_path)) as it:
        port = int(it.proxy.inside.authorizer.urls[0].rpartition(":")[2])

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
