"""Clients of plain HTTP, from a shell, Python and Node."""

from tests.clients.client import Client
from tests.clients.services.model import model, ollama

WHOAMI = "whoami 200"
UPLOAD = "uploaded 3000000"
STREAM = "streamed id: 1 id: 2"
REDIRECT = "redirected 200"
COOKIES = "cookies plain=1; secure=2; __Host-strict=3"
WEBSOCKET = "WebSocket there and back"

HTTP_CLIENTS = [
    Client(
        name="curl",
        script="curl.sh",
        says=(WHOAMI, UPLOAD, STREAM, REDIRECT, "over HTTP/2 200"),
        fails="The requested URL returned error: 403",
    ),
    Client(
        name="HTTPie",
        script="httpie.sh",
        says=(
            "whoami demo@authproxy-demo.iam.gserviceaccount.com",
            UPLOAD,
            STREAM,
            "redirected 200 OK",
            COOKIES,
        ),
        fails="HTTP 403 Forbidden",
    ),
    Client(
        name="requests",
        script="with_requests.py",
        says=(WHOAMI, UPLOAD, STREAM, REDIRECT, COOKIES),
        fails="requests.exceptions.HTTPError: 403 Client Error: Forbidden",
    ),
    Client(
        name="httpx",
        script="with_httpx.py",
        says=(WHOAMI, UPLOAD, STREAM, REDIRECT, COOKIES, "over HTTP/2 200"),
        fails="httpx.HTTPStatusError: Client error '403 Forbidden'",
    ),
    Client(
        name="aiohttp",
        script="with_aiohttp.py",
        says=(
            WHOAMI,
            UPLOAD,
            STREAM,
            REDIRECT,
            "cookies secure=2; plain=1; __Host-strict=3",
            WEBSOCKET,
        ),
        fails="aiohttp.client_exceptions.ClientResponseError: 403",
    ),
    Client(
        name="urllib3",
        script="with_urllib3.py",
        says=(WHOAMI, UPLOAD, STREAM, REDIRECT),
        fails="403 Forbidden",
    ),
    Client(
        name="fetch in Node",
        script="fetch.mjs",
        says=(WHOAMI, UPLOAD, STREAM, REDIRECT),
        fails="Error: 403",
    ),
    Client(
        name="undici",
        script="undici.mjs",
        says=(WHOAMI, UPLOAD, STREAM, WEBSOCKET),
        fails="Error: 403",
    ),
    Client(
        name="axios",
        script="axios.mjs",
        says=(WHOAMI, UPLOAD, STREAM, REDIRECT),
        fails="AxiosError: Request failed with status code 403",
    ),
    Client(
        name="openai in Python",
        script="with_openai.py",
        service=model,
        says=("A pretend model",),
        fails="openai.AuthenticationError",
    ),
    Client(
        name="openai in Node",
        script="openai.mjs",
        service=model,
        says=("A pretend model",),
        fails="AuthenticationError: 401",
    ),
    Client(
        name="Ollama",
        script="with_ollama.py",
        service=ollama,
        says=("A pretend model",),
        fails="ollama._types.ResponseError",
    ),
]
