"""Peers that vanish: their sockets drop, unseen, whatever comes, as if a cable had been pulled."""

import asyncio
import ctypes
import socket
import struct

from authproxy.wire.lost_peers import LOST_AFTER_S, is_lost
from authproxy.wire.relay.relay import Relay
from tests.support.proxying import RunningProxy
from tests.support.raw import Call
from tests.support.talking import GET, accepted, read_answer, until

SO_ATTACH_FILTER = 26
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
"""The only instruction of a filter: BPF_RET | BPF_K, 0 bytes."""


def vanish(writer: asyncio.StreamWriter) -> None:
    """Nothing that is sent to it is acknowledged, and it says nothing: its cable was pulled."""
    code = ctypes.create_string_buffer(DROP_ALL)
    program = struct.pack("HP", 1, ctypes.addressof(code))
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


async def keep_alive_then_vanish(proxy: RunningProxy, calls: list[Call]) -> None:
    """A connection to the service rests in the pool when the service goes."""
    reader, writer = await proxy.connect()
    writer.write(GET)
    await read_answer(reader)
    writer.close()
    await until(lambda: proxy.pool.idle_count == 1)
    vanish(calls[0].writer)


async def pass_until_lost(proxy: RunningProxy) -> None:
    """As long as the kernel takes to send it again so often, and the silence besides."""
    connection = await accepted(proxy)
    await until(lambda: connection.pipeline.current is not None)
    relay = connection.pipeline.current
    assert isinstance(relay, Relay)
    assert relay.service is not None
    transport = relay.service.transport
    await until(lambda: is_lost(transport))
    proxy.server.tick(LOST_AFTER_S + 1)
