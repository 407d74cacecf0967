"""Who hears of whose SETTINGS, and who confirms them."""

import struct

from authproxy.wire.http2.framing.frames import ACK, PING, SETTINGS, Failure, frame
from authproxy.wire.http2.settings_sync import MAX_UNCONFIRMED
from tests.support.http2 import Call, Client, Service, http2_client, http2_service
from tests.support.proxying import proxying


def setting(number: int, value: int) -> bytes:
    return struct.pack(">HL", number, value)


def confirmations(client: Client) -> int:
    return sum(found.kind == SETTINGS and bool(found.flags & ACK) for found in client.seen)


def heard_by(service: Service) -> list[dict[int, int]]:
    """What each SETTINGS frame of the client's said to the service."""
    events = service.connections[0].events
    changed = [e for e in events if type(e).__name__ == "RemoteSettingsChanged"]
    return [
        {int(number): change.new_value for number, change in e.changed_settings.items()}  # type: ignore[attr-defined]  # -- that event has them
        for e in changed
    ]


async def test_client_is_told_at_once_and_once_that_its_settings_are_heard() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy, greets=False) as client,
    ):
        client.greet(setting(4, 70_000))
        client.say(frame(SETTINGS, 0, 0, setting(4, 80_000)), frame(PING, 0, 0, bytes(8)))
        await client.frame_of(PING)
        before = confirmations(client)
        client.call(1)
        await client.answer(1)
        client.say(frame(SETTINGS, 0, 0, setting(4, 90_000)), frame(PING, 0, 0, bytes(8)))
        await client.frame_of(PING)

    assert (2, 3) == (before, confirmations(client))
    assert [70_000, 80_000, 90_000] == [said[4] for said in heard_by(service)]


async def test_nothing_unknown_passes_in_either_direction_and_no_push_is_wanted() -> None:
    async def say_more(call: Call) -> None:
        call.connection.writer.write(
            frame(SETTINGS, 0, 0, setting(3, 50) + setting(8, 1) + setting(0xFE03, 1))
        )
        call.answer()

    async with (
        http2_service(say_more) as service,
        proxying(service.url) as proxy,
        http2_client(proxy, greets=False) as client,
    ):
        client.greet(setting(2, 1) + setting(9, 1) + setting(0xFE03, 1) + setting(6, 9000))
        client.call(1)
        await client.answer(1)
        told = [f.payload for f in client.seen if f.kind == SETTINGS and not f.flags & ACK]

    assert [{2: 0, 6: 9000}] == heard_by(service)
    numbers = [number for payload in told for number, _ in struct.iter_unpack(">HL", payload)]
    assert 3 in numbers
    assert {1, 3, 4, 5, 6} >= set(numbers)


async def test_service_cannot_make_us_note_settings_without_end() -> None:
    async def flood(call: Call) -> None:
        call.connection.writer.write(frame(SETTINGS, 0, 0) * (MAX_UNCONFIRMED + 1))

    async with (
        http2_service(flood) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        answer = await client.answer(1)
        (exchange,) = await proxy.heard.wait_for(1)

    assert b"502" == answer.get(b":status")
    assert "too many settings are not acknowledged" == exchange.detail


async def test_confirmation_that_nobody_asked_for_ends_the_connection() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.say(frame(SETTINGS, ACK, 0) * 2)
        goodbye = await client.goodbye()

    assert (
        Failure.PROTOCOL_ERROR,
        b"an acknowledgement of settings that were not sent",
    ) == goodbye[1:]
    assert [] == service.connections
