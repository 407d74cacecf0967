"""Services, configuration and the doctor as JSON."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from authproxy.inspector.proxy_state import ProxyState
from authproxy.inspector.service_api import ServiceApi
from tests.support.recorded import Story
from tests.test_inspector_api import asking, get, post


async def test_services_configuration_and_doctor() -> None:
    story = Story()
    exchange = story.begin()
    story.answer(exchange, ("X-Authproxy-Hint", "run this"), status=403)
    story.end(exchange)
    async with asking(story.recording) as client:
        services = await get(client, "/api/services")
        configuration = await get(client, "/api/config")
        report = await post(client, "/api/doctor")

    (only,) = services["services"]
    assert ("billing", {"4xx": 1}) == (only["name"], only["last_15_min"]["statuses"])
    assert ["run this"] == [error["hint"] for error in only["errors"]]
    assert ({"settings": {}}, {"ok": True}) == (configuration, report)


@pytest.mark.parametrize("path", ["/api/services", "/api/config"])
async def test_services_and_settings_are_there_without_a_recording(path: str) -> None:
    async def examined() -> str:
        return "{}"

    around = ProxyState(
        services=lambda: [{"name": "billing"}],
        configuration=lambda: '{"settings": {}}',
        examine=examined,
        doors=lambda: [],
    )
    app = web.Application()
    for view in ServiceApi(around, None).views():
        app.router.add_route(view.method, view.path, view.handler)
    async with TestClient(TestServer(app)) as client:
        found = await get(client, path)

    assert found in (
        {"services": [{"name": "billing", "last_15_min": None, "errors": []}]},
        {"settings": {}},
    )


async def test_report_on_many_services_is_not_indented_which_would_hold_up_the_loop() -> None:
    async def examined() -> str:
        return "{}"

    around = ProxyState(
        services=lambda: [{"name": f"s{number}"} for number in range(100)],
        configuration=lambda: "{}",
        examine=examined,
        doors=lambda: [],
    )
    app = web.Application()
    for view in ServiceApi(around, None).views():
        app.router.add_route(view.method, view.path, view.handler)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/api/services")

        assert 100 == len((await answer.json())["services"])
        assert 1 == (await answer.text()).count("\n")
