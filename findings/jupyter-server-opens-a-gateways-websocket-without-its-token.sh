#!/bin/sh
# jupyter_server 2.21.1: a kernel client's WebSocket goes to the gateway without the token that its
# requests carry.
#
# What one would guess: with `GatewayClient.auth_token` set, everything that goes to the gateway has
# `Authorization`: the requests that start a kernel, and the WebSocket by which cells are run.
# What happens: `GatewayKernelManager` sends it with each request; `GatewayKernelClient` opens its
# WebSocket without it, and without the other configured fields.
# Why it matters: nbclient and papermill by a gateway that demands a token start a kernel, and then
# cannot talk to it: the gateway answers 401 or 403 to the WebSocket alone. A proxy that puts the
# token on helps; a setting does not.
# Seen with: jupyter_server 2.21.1, Python 3.11, Linux.
#   POST /api/kernels: Authorization 'token word', X-Team 'a'
#   GET /api/kernels/1/channels: Authorization None, X-Team None
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'jupyter_server==2.21.1'
cat >"$work/try.py" <<'PYTHON'
import asyncio
import http.server
import json
import sys
import threading

from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayKernelManager

seen = []


class Gateway(http.server.BaseHTTPRequestHandler):
    """Starts a kernel in words only, and takes no WebSocket."""

    def do_POST(self):
        self.answer(201, {"id": "1", "name": "python3"})

    def do_GET(self):
        self.answer(403 if self.path.endswith("/channels") else 200, {"id": "1", "name": "python3"})

    def answer(self, status, about):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fields = self.headers["Authorization"], self.headers["X-Team"]
        seen.append((f"{self.command} {self.path}", *fields))
        body = json.dumps(about).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


async def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = GatewayClient.instance()
    settings.url = f"http://127.0.0.1:{server.server_port}"
    settings.auth_token, settings.headers = "word", '{"X-Team": "a"}'
    manager = GatewayKernelManager()
    await manager.start_kernel(kernel_name="python3", kernel_id=None)
    client = manager.client()
    try:
        await client.start_channels()
    except Exception as error:
        print(f"the WebSocket: {type(error).__name__}", file=sys.stderr)
    server.shutdown()
    wanted = {"POST /api/kernels", "GET /api/kernels/1/channels"}
    found = {name: fields for name, *fields in seen if name in wanted}
    for name, (token, team) in found.items():
        print(f"{name}: Authorization {token!r}, X-Team {team!r}")
    return found != {
        "POST /api/kernels": ["token word", "a"],
        "GET /api/kernels/1/channels": [None, None],
    }


sys.exit(asyncio.run(main()))
PYTHON
timeout 60 "$work/venv/bin/python" "$work/try.py" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
