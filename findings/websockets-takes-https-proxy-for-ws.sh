#!/bin/sh
# websockets 17.4: a plain ws:// address goes by the proxy of `https_proxy`, though `http_proxy`
# names another one.
#
# What one would guess: `https_proxy` is for wss://, as it is for https://, and ws:// goes by
# `http_proxy` or by none. httpx 0.28 chooses so for the http:// address of the same port.
# What happens: for ws:// it takes the first there is of `ws_proxy`, `socks_proxy`, `https_proxy` and
# `http_proxy`. It says CONNECT to that proxy, for localhost too.
# Why it matters: where only `https_proxy` is set, a client's requests to http://localhost stay on the
# machine and its WebSockets to ws://localhost leave it, or fail. `no_proxy=localhost` helps.
# Seen with: websockets 17.4, httpx 0.28.1, Python 3.11, Linux.
#   httpx       http://localhost: http_proxy
#   websockets  ws://localhost:   https_proxy
#   websockets  ws://localhost, only https_proxy set: https_proxy
#   httpx       http://localhost, only https_proxy set: none
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    'websockets==17.4' 'httpx==0.28.1'
cat >"$work/try.py" <<'PYTHON'
import http.server
import os
import sys
import threading

import httpx
from websockets.sync.client import connect

asked = []


class Door(http.server.BaseHTTPRequestHandler):
    """A proxy, or the server itself: notes its name, and refuses."""

    def do_GET(self):
        asked.append(self.server.name)
        self.send_error(403)

    do_CONNECT = do_GET

    def log_message(self, *_):
        pass


def door(name):
    server = http.server.ThreadingHTTPServer(("localhost", 0), Door)
    server.name = name
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def who_is_asked(ask, **proxies):
    for name in ("http_proxy", "https_proxy"):
        os.environ.pop(name, None)
    os.environ.update(proxies)
    asked.clear()
    try:
        ask()
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    return asked[0] if asked else "nobody"


def by_httpx():
    httpx.get(f"http://localhost:{here}/")


def by_websockets():
    connect(f"ws://localhost:{here}/").close()


for name in list(os.environ):
    if name.lower().endswith("_proxy"):
        del os.environ[name]
here = door("none")
plain, secure = (f"http://localhost:{door(name)}" for name in ("http_proxy", "https_proxy"))
both, one = {"http_proxy": plain, "https_proxy": secure}, {"https_proxy": secure}
found = [
    who_is_asked(by_httpx, **both),
    who_is_asked(by_websockets, **both),
    who_is_asked(by_websockets, **one),
    who_is_asked(by_httpx, **one),
]
print(f"httpx       http://localhost: {found[0]}")
print(f"websockets  ws://localhost:   {found[1]}")
print(f"websockets  ws://localhost, only https_proxy set: {found[2]}")
print(f"httpx       http://localhost, only https_proxy set: {found[3]}")
sys.exit(found != ["http_proxy", "https_proxy", "https_proxy", "none"])
PYTHON
timeout 60 "$work/venv/bin/python" "$work/try.py" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
