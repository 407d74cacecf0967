"""A fuzz target for each parser: what it is fed, what must hold, what to begin from.

`TARGETS` has all of them by name. A target raises `Broken` where a promise does not hold; any other
error that comes out of it is one that the parser does not document. `WITHOUT` has the modules that
look like parsers and have none, with the reason; `tests/test_fuzz_targets.py` looks for others.
"""

from collections.abc import Mapping

from fuzz.targets import configuration, google, inspector, local, mcp, messages, wire
from fuzz.targets.target import Broken, Target

__all__ = ["TARGETS", "WITHOUT", "Broken", "Target"]

TARGETS: Mapping[str, Target] = {
    name: target
    for room in (wire, messages, configuration, google, inspector, mcp, local)
    for name, target in room.TARGETS.items()
}

_BY_PYTHON = "reads what a Python program or click hands over, no bytes"
_OWN = "writes into, or reads what the same process or its parent has made"
_BY_PLAY = "part of the data path, which the targets any_bytes (HTTP/1) and http2_frames feed"

WITHOUT: Mapping[str, str] = {
    "auth.auth_keywords": _BY_PYTHON,
    "cli.exec": _BY_PYTHON,
    "cli.group": _BY_PYTHON,
    "cli.read_apart": _OWN,
    "config.collecting": "joins what the readers of config.readers made",
    "config.ports": "a number from click or from a variable: the target quantities has the like",
    "embedding.serving": _BY_PYTHON,
    "admin.application": "cookies are taken apart by aiohttp",
    "commands.doctor.tokens": "compares two texts",
    "commands.status_table": "reads JSON of an admin listener, by Python's own reader",
    "event_loop": "hands on what aiofastnet has read",
    "exchange": "joins fields that were read",
    "identity.google.apart": _OWN,
    "inspector.bodies.grpc_texts": "asks inspector.protobuf, which the targets protobuf_… feed",
    "inspector.reflection": "frames are h2's; what is in them is read by inspector.protobuf",
    "mcp.proxy": "a word of the command line: split_name is the same",
    "wire.http1.response_writer": _OWN,
    "wire.http2.endpoints": _BY_PLAY,
    "wire.http2.headers.response_blocks": "asks wire.http2.headers.blocks, fed by hpack",
    "wire.observing": _OWN,
    "wire.relay.call_end": _BY_PLAY,
    "wire.relay.telling": _OWN,
    "wire.relay.tunnel": _BY_PLAY,
    "wire.relay.answer_heads": _OWN,
    "wire.upstream.proxy_tunnel": "keeps what came early; the answer's head is read by aiohttp",
    "workers.inspecting.exchange_message": "both ends are processes of the same authproxy",
    "workers.worker_channel": "both ends are processes that the same authproxy has started",
}
