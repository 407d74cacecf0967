#!/bin/sh
# urllib3 2.8: the ssl_context of a ProxyManager is not asked about the proxy's own certificate.
#
# What one would guess: whoever gives a manager an ssl_context has said which certificates are
# trusted, for every connection in TLS that it opens.
# What happens: for a proxy that is itself spoken to in TLS (https:// in its address) another context
# is made, with the system's certificates, and its own strictness: 3.13 demands RFC 5280's form there.
# The given one counts for the tunnel's inside only; the proxy needs proxy_ssl_context besides.
# Why it matters: behind an egress proxy with a private authority all goes well to hosts reached
# directly and nothing through the proxy, although "the" context trusts both.
# Seen with: urllib3 2.8.0, trustme 1.2.1, Python 3.11, Linux.
#   directly:                                200
#   by a proxy, ssl_context:                 certificate verify failed
#   by a proxy, proxy_ssl_context as well:   Tunnel connection failed: 403 Forbidden
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'urllib3==2.8.0' 'trustme==1.2.1'
cat >"$work/try.py" <<'PYTHON'
import contextlib
import re
import socket
import ssl
import sys
import threading

import trustme
import urllib3

KNOWN = re.compile(r"certificate verify failed|Tunnel connection failed: [\w ]+")


def serve(listener, context):
    """Answers GET with 200 and CONNECT with 403."""
    while True:
        client, _ = listener.accept()
        with contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as tls:
            is_connect = tls.recv(65536).startswith(b"CONNECT")
            status = b"403 Forbidden" if is_connect else b"200 OK"
            tls.sendall(b"HTTP/1.1 %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)


def said_of(manager, url):
    try:
        return str(manager.request("GET", url, retries=False, timeout=10).status)
    except urllib3.exceptions.HTTPError as error:
        found = KNOWN.search(f"{error} {error.__cause__} {error.args}")
        return found[0] if found else repr(error)


authority = trustme.CA()
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
authority.issue_cert("localhost").configure_cert(server)
trusting = ssl.create_default_context()
authority.configure_trust(trusting)
listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener, server), daemon=True).start()
here = f"https://localhost:{listener.getsockname()[1]}"
elsewhere = "https://service.invalid/"
both = {"ssl_context": trusting, "proxy_ssl_context": trusting}
found = [
    said_of(urllib3.PoolManager(ssl_context=trusting), here),
    said_of(urllib3.ProxyManager(here, ssl_context=trusting), elsewhere),
    said_of(urllib3.ProxyManager(here, **both), elsewhere),
]
names = "directly", "by a proxy, ssl_context", "by a proxy, proxy_ssl_context as well"
for name, said in zip(names, found):
    print(f"{name + ':':<40} {said}")
sys.exit(found != ["200", "certificate verify failed", "Tunnel connection failed: 403 Forbidden"])
PYTHON
timeout 60 "$work/venv/bin/python" "$work/try.py"
