"""Clients of plain HTTP, from a shell, Python and Node."""

from tests.clients.client import Client

UPLOAD = "uploaded 3000000"
STREAM = "streamed id: 1 id: 2"
COOKIES = "cookies plain=1; secure=2; __Host-strict=3"

HTTP_CLIENTS = [
    Client(
        name="curl",
        script="curl.sh",
        says=("whoami 200", UPLOAD, STREAM, "redirected 200", "over HTTP/2 200"),
        fails="The requested URL returned error: 403",
    ),
    Client(
        name="requests",
        script="with_requests.py",
        says=("whoami 200", UPLOAD, STREAM, "redirected 200", COOKIES),
        fails="requests.exceptions.HTTPError: 403 Client Error: Forbidden",
    ),
    Client(
        name="fetch in Node",
        script="fetch.mjs",
        says=("whoami 200", UPLOAD, STREAM, "redirected 200"),
        fails="Error: 403",
    ),
]
