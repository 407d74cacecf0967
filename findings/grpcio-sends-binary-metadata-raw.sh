#!/bin/sh
# grpcio 1.85: what is sent as metadata ending in -bin depends on a setting that its server announces.
#
# What one would guess: gRPC over HTTP/2 sends binary metadata in base64, so whatever stands between
# client and server sees printable ASCII in every header field.
# What happens: a grpcio server has the setting 0xfe03 in its first SETTINGS. A grpcio client that has
# read it sends the bytes as they are, behind a zero byte, which no HTTP/2 field may have
# (RFC 9113 8.2.1). If the setting does not reach the client, it sends base64.
# Why it matters: a proxy that checks fields refuses such calls for no visible reason, unless it keeps
# settings that it does not know from passing.
# Seen with: grpcio 1.85.1, hpack 4.1.0, Python 3.11, Linux.
#   with the setting:    b'\x00\x01\x02\x03'
#   without the setting: b'AQID'
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'grpcio==1.85.1' 'hpack==4.1.0'
cat >"$work/try.py" <<'PYTHON'
import contextlib
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from hpack import Decoder

SETTING = b"\xfe\x03"


def read_frame(source):
    """The first frame: SETTINGS (RFC 9113 3.4)."""
    data = b""
    while len(data) < 9 or len(data) < 9 + int.from_bytes(data[:3], "big"):
        data += source.recv(65536)
    length = 9 + int.from_bytes(data[:3], "big")
    return data[:length], data[length:]


def without_setting(settings):
    pairs = [settings[at : at + 6] for at in range(9, len(settings), 6)]
    kept = b"".join(pair for pair in pairs if pair[:2] != SETTING)
    return len(kept).to_bytes(3, "big") + settings[3:9] + kept


def copy(source, target, keep=None):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            if keep is not None:
                keep.extend(data)
            target.sendall(data)


def tap(listener, port, sent, passes):
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", port))
    threading.Thread(target=copy, args=(client, server, sent), daemon=True).start()
    settings, rest = read_frame(server)
    client.sendall((settings if passes else without_setting(settings)) + rest)
    copy(server, client)


def last_value(sent):
    data, decoder, found = bytes(sent[24:]), Decoder(), b""  # after the connection's preface
    while len(data) >= 9:
        length, kind, flags = int.from_bytes(data[:3], "big"), data[3], data[4]
        payload, data = data[9 : 9 + length], data[9 + length :]
        if kind == 1:  # HEADERS; grpcio sends them whole and without padding
            assert flags & 0x4 and not flags & 0x28
            fields = dict(decoder.decode(payload, raw=True))
            found = fields.get(b"k-bin", found)
    return found


def seen(port, passes):
    """The value in a second call: by then the client has read the settings."""
    sent = bytearray()
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=tap, args=(listener, port, sent, passes), daemon=True).start()
    with grpc.insecure_channel(f"127.0.0.1:{listener.getsockname()[1]}") as channel:
        for _ in range(2):
            channel.unary_unary("/test.Echo/Say")(b"x", metadata=[("k-bin", b"\1\2\3")], timeout=20)
        return last_value(sent)


server = grpc.server(ThreadPoolExecutor(2))
say = grpc.unary_unary_rpc_method_handler(lambda request, context: request)
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Echo", {"Say": say})])
port = server.add_insecure_port("127.0.0.1:0")
server.start()
found = seen(port, True), seen(port, False)
server.stop(None)
print(f"with the setting:    {found[0]!r}")
print(f"without the setting: {found[1]!r}")
sys.exit(found != (b"\0\1\2\3", b"AQID"))
PYTHON
timeout 60 "$work/venv/bin/python" "$work/try.py"
