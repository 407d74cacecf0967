#!/bin/sh
# google-auth 2.62.2: after a 401, AuthorizedSession sends a streamed body again, empty, and reports success.
#
# What one would guess: a request whose body is a generator or an open file cannot be sent twice, so
# that after a 401 the caller gets the 401, or an error. requests itself says so where it would have
# to send such a body again: UnrewindableBodyError on a redirect.
# What happens: AuthorizedSession refreshes its credentials and sends the request once more with the
# same generator or file, which has nothing left. The service gets a POST without content, answers
# 200, and the caller takes the upload for done. A body of bytes goes out whole both times.
# Why it matters: a token that was revoked or has lapsed by the service's clock turns an upload into
# an empty one, and nothing says so.
# Seen with: google-auth 2.62.2, requests 2.34.2, Python 3.11, Linux.
#   bytes:     401 after 'data', then 200 after 'data'
#   generator: 401 after 'data', then 200 after ''
#   file:      401 after 'data', then 200 after ''
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    'google-auth==2.62.2' 'requests==2.34.2'
cat >"$work/try.py" <<'PYTHON'
import http.server
import pathlib
import sys
import tempfile
import threading

import google.auth.credentials
import google.auth.transport.requests

WANTED = {
    "bytes": "401 after 'data', then 200 after 'data'",
    "generator": "401 after 'data', then 200 after ''",
    "file": "401 after 'data', then 200 after ''",
}


class Numbered(google.auth.credentials.Credentials):
    """Tokens token-1, token-2 and so on."""

    made = 0

    def refresh(self, request):
        self.made += 1
        self.token = f"token-{self.made}"


class Service(http.server.BaseHTTPRequestHandler):
    """Takes no token but the second one, and notes the body of each request."""

    protocol_version = "HTTP/1.1"
    seen = []

    def do_POST(self):
        body = self.read_chunks() if "chunked" in str(self.headers["transfer-encoding"]) else None
        if body is None:
            body = self.rfile.read(int(self.headers["content-length"] or 0))
        status = 200 if self.headers["authorization"] == "Bearer token-2" else 401
        self.seen.append(f"{status} after {body.decode()!r}")
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def read_chunks(self):
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_):
        pass


def bodies(folder):
    file = pathlib.Path(folder, "body")
    file.write_bytes(b"data")
    yield "bytes", b"data"
    yield "generator", (each for each in [b"da", b"ta"])
    with file.open("rb") as opened:
        yield "file", opened


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
found = {}
with tempfile.TemporaryDirectory() as folder:
    for name, body in bodies(folder):
        Service.seen.clear()
        session = google.auth.transport.requests.AuthorizedSession(Numbered())
        session.trust_env = False
        session.post(f"http://127.0.0.1:{server.server_port}/", data=body, timeout=20)
        found[name] = ", then ".join(Service.seen)
        print(f"{name + ':':<10} {found[name]}")
server.shutdown()
sys.exit(found != WANTED)
PYTHON
timeout 60 "$work/venv/bin/python" "$work/try.py"
