"""The inspector of the whole program: when it records, and what it says of the configuration."""

import asyncio
import json
from typing import Any

import pytest

from authproxy.runtime.admin import AdminPlace
from authproxy.runtime.inspector import find_door, find_recording
from authproxy.settings import ListenerSettings
from authproxy.values import Listen
from tests.support.configuring import URL, settings
from tests.support.raw import OK, Call, always, raw_service
from tests.test_runtime_admin import admin_url, ask, program

PLACE = AdminPlace(listen=Listen("127.0.0.1", 0), shows_key=True)
UNSEEN = AdminPlace(listen=Listen("127.0.0.1", 0))


@pytest.mark.parametrize(
    ("record", "place", "unattended", "expected"),
    [
        ("auto", PLACE, False, True),
        ("auto", UNSEEN, False, False),
        ("auto", None, False, False),
        ("auto", PLACE, True, False),
        ("on", UNSEEN, True, True),
        ("on", None, False, False),
        ("off", PLACE, False, False),
    ],
)
def test_it_records_where_a_person_looks_and_where_it_is_told_to(
    record: str, place: AdminPlace | None, unattended: bool, expected: bool
) -> None:
    found = settings(urls=[URL], environ={"AUTHPROXY_INSPECT_RECORD": record})

    assert expected is (find_recording(found, place, unattended=unattended) is not None)


@pytest.mark.parametrize(("bodies", "count"), [("false", 1), ("true", 2)])
def test_bodies_are_kept_where_that_is_switched_on(bodies: str, count: int) -> None:
    found = settings(urls=[URL], environ={"AUTHPROXY_RECORD_BODIES": bodies})
    recording = find_recording(found, PLACE, unattended=False)

    assert recording is not None
    assert count == len(recording.observers)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:80", ("127.0.0.1", 80, "", False)),
        ("http://0.0.0.0:8080", ("127.0.0.1", 8080, "", False)),
        ("https://[::]:8443", ("::1", 8443, "", True)),
        ("unix:/run/a.sock", ("", 0, "/run/a.sock", False)),
    ],
)
def test_way_in_by_a_listener(url: str, expected: tuple[str, int, str, bool]) -> None:
    listener = ListenerSettings(listen=Listen("localhost", 80), service="billing")
    door = find_door(url, listener)

    assert door is not None
    assert (*expected, "billing") == (door.host, door.port, door.path, door.tls, door.service)


def test_listener_that_wants_the_proxy_protocol_is_no_way_in() -> None:
    listener = ListenerSettings(listen=Listen("localhost", 80), proxy_protocol=True)

    assert find_door("http://127.0.0.1:80", listener) is None


async def test_what_passes_the_program_can_be_looked_at() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(OK)

    async def read(url: str, method: str = "GET") -> Any:
        status, text = await ask(url, method)
        assert 200 == status, text
        return json.loads(text)

    async with raw_service(talk) as service, program(service.url, "--inspect") as proxy:
        url = await admin_url(proxy)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"GET /seen HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        await reader.read()
        writer.close()
        listed = await read(f"{url}/api/exchanges")
        again = await read(f"{url}/api/exchanges/1/replay", "POST")
        services = await read(f"{url}/api/services")
        configuration = await read(f"{url}/api/config")
        report = await read(f"{url}/api/doctor", "POST")

    assert ["/seen"] == [row["target"] for row in listed["exchanges"]]
    assert (200, "2") == (again["status"], again["id"])
    assert service.url == services["services"][0]["address"]
    assert "on" == configuration["settings"]["inspect"]["record"]
    assert "connection" in [check["check"] for check in report["checks"]]


async def test_without_a_recording_the_page_shows_services_and_settings() -> None:
    async with raw_service(always(OK)) as service, program(service.url) as proxy:
        url = await admin_url(proxy)
        answers = [
            (await ask(f"{url}{path}"))[0]
            for path in ("/", "/api/services", "/api/config", "/api/exchanges")
        ]

    assert [200, 200, 200, 404] == answers


def test_what_others_tell_is_recorded_without_content_and_nothing_of_this_process() -> None:
    wanted = settings(urls=[URL], flags={"--inspect": "on", "--record-bodies": True})
    place = AdminPlace(listen=Listen("127.0.0.1", 0))
    own = find_recording(wanted, place)
    told = find_recording(wanted, place, is_told=True)

    assert own is not None
    assert told is not None
    assert (2, 0) == (len(own.observers), len(told.observers))
