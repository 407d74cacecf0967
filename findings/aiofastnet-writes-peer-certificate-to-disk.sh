#!/bin/sh
# aiofastnet 1.2: every TLS handshake of a client writes the server's certificate to a temporary file.
#
# What one would guess: a TLS transport keeps the peer's certificate in memory, and decodes it when
# somebody asks for get_extra_info("peercert"), as asyncio's own transport does.
# What happens: with CERT_REQUIRED the certificate is written to a file in the folder for temporary
# files, read back and removed, once for each connection, although nobody asks for it.
# Why it matters: a read-only container needs a writable folder for temporary files, and opening a
# connection costs several system calls more.
# Seen with: aiofastnet 1.2.*, trustme 1.2.1, Python 3.11, Linux.
#   asyncio:    0 files written during the handshake
#   aiofastnet: 1 files written during the handshake
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'aiofastnet==1.2.*' 'trustme==1.2.1'
cat >"$work/try.py" <<'PYTHON'
import asyncio
import os
import ssl
import sys
import tempfile

import aiofastnet
import trustme

written = set()
folder = tempfile.gettempdir()


def hook(event, arguments):
    if event == "open" and arguments[0] and isinstance(arguments[2], int):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR):
            if str(arguments[0]).startswith(folder):
                written.add(arguments[0])


async def handshake():
    authority = trustme.CA()
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server_tls)
    client_tls = ssl.create_default_context()
    authority.configure_trust(client_tls)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=server_tls)
    port = server.sockets[0].getsockname()[1]
    before = len(written)
    transport, _ = await loop.create_connection(
        asyncio.Protocol, "127.0.0.1", port, ssl=client_tls, server_hostname="localhost"
    )
    count = len(written) - before
    transport.abort()
    server.close()
    return count


sys.addaudithook(hook)
found = {}
for name, factory in (("asyncio", asyncio.new_event_loop), ("aiofastnet", aiofastnet.loop_factory())):
    with asyncio.Runner(loop_factory=factory) as runner:
        found[name] = runner.run(handshake())
    print(f"{name + ':':<11} {found[name]} files written during the handshake")
sys.exit(found != {"asyncio": 0, "aiofastnet": 1})
PYTHON
timeout 60 "$work/venv/bin/python" "$work/try.py"
