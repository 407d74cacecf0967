"""All clients of docs/clients.md."""

from tests.clients.app_list import APPS
from tests.clients.call_clients import CALL_CLIENTS
from tests.clients.http_clients import HTTP_CLIENTS
from tests.clients.package_list import PACKAGES, TELEMETRY
from tests.clients.program_list import PROGRAMS
from tests.clients.socket_clients import SOCKET_CLIENTS

LISTS = (HTTP_CLIENTS, SOCKET_CLIENTS, CALL_CLIENTS, PROGRAMS, PACKAGES, TELEMETRY, APPS)

CLIENTS = [client for clients in LISTS for client in clients]
