"""All clients of docs/clients.md."""

from tests.clients.http_clients import HTTP_CLIENTS
from tests.clients.program_list import PROGRAMS

CLIENTS = [*HTTP_CLIENTS, *PROGRAMS]
