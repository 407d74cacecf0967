"""All clients of docs/clients.md."""

from tests.clients.http_clients import HTTP_CLIENTS

CLIENTS = [*HTTP_CLIENTS]
