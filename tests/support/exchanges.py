"""Finished exchanges for observers, and a log that can be read."""

from ipaddress import ip_address
from typing import Literal

from authproxy.errors import Code
from authproxy.exchange import Exchange, Field, RequestHead


class Sent:
    """What a LogStream has written."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def __call__(self, data: bytes) -> int:
        self.pieces.append(data)
        return len(data)

    @property
    def text(self) -> str:
        return b"".join(self.pieces).decode()


def exchange(
    *,
    target: bytes = b"/a/b?key=hunter2",
    method: bytes = b"GET",
    client: str | None = "127.0.0.1",
    host: bytes = b"localhost:8080",
    status: int = 200,
    service: str = "billing",
    code: Code | None = None,
    detail: str = "",
    aborted: Literal["", "client", "service", "authproxy"] = "",
    grpc_status: int | None = None,
    fields: tuple[Field, ...] = (),
    version: str = "1.1",
) -> Exchange:
    """One with `hunter2` in all that must not be shown."""
    headers = [
        (b"authorization", b"Authorization", b"Bearer hunter2"),
        (b"cookie", b"Cookie", b"hunter2"),
        (b"x-api-key", b"X-Api-Key", b"hunter2"),
        *fields,
    ]
    address = None if client is None else ip_address(client)
    made = Exchange("abc", 7, address, RequestHead(method, target, version, headers))
    made.started_at = 1_700_000_000.25
    made.host, made.status, made.service, made.code = host, status, service, code
    made.detail, made.aborted = detail, aborted
    made.grpc_status = grpc_status
    made.duration_s, made.bytes_to_client = 0.0125, 42
    return made
