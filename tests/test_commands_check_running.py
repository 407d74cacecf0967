import asyncio
import json

import pytest

from authproxy.admin.reloading import reload_views
from authproxy.commands import check_running
from authproxy.config.changes import ReloadAnswer
from authproxy.tasks import Tasks
from tests.support.admin import KEY, PretendInside, admin_listener

SAID = (
    (ReloadAnswer(), 0, ["A reload would change nothing."]),
    (
        ReloadAnswer(changes=("deny changes",), warnings=("careful",)),
        3,
        ["warning: careful", "A reload would change this:", "  deny changes"],
    ),
    (
        ReloadAnswer(needs_restart=("admin",)),
        3,
        [
            "A reload would change nothing by itself.",
            "Only a restart would change this:",
            "  admin",
        ],
    ),
    (
        ReloadAnswer(problems=("a.toml:1: x",)),
        2,
        ["a.toml:1: x", "The configuration is not valid; a reload would change nothing."],
    ),
)


@pytest.mark.parametrize(("found", "code", "lines"), SAID)
async def test_what_a_reload_would_change_is_said(
    found: ReloadAnswer, code: int, lines: list[str]
) -> None:
    inside, environ = PretendInside(reloaded=found), {"AUTHPROXY_ADMIN_KEY": "env:K", "K": KEY}
    async with admin_listener(reload_views(inside, Tasks())) as listener:
        address = f"127.0.0.1:{listener.port}"
        said, as_json, refused = list[str](), list[str](), list[str]()
        codes = [
            await asyncio.to_thread(check_running.run, address, environ, said.append),
            await asyncio.to_thread(check_running.run, address, environ, as_json.append, json=True),
            await asyncio.to_thread(check_running.run, address, {}, refused.append),
        ]

    assert [code, code, 1] == codes
    assert lines == said
    assert set(json.loads(as_json[0])) >= {"status"}
    assert "admin key" in refused[0]
    assert ["preview", "preview"] == inside.done


async def test_nobody_may_be_there_or_somebody_else() -> None:
    said = list[str]()
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    other = await asyncio.to_thread(check_running.run, f"127.0.0.1:{port}", {}, said.append)
    server.close()
    await server.wait_closed()
    gone = await asyncio.to_thread(check_running.run, f"127.0.0.1:{port}", {}, said.append)
    wrong = check_running.run("x:y:z:", {}, said.append)

    assert (1, 1, 2) == (other, gone, wrong)
    assert all("answers at 127.0.0.1:" in text for text in said[:2]), said
