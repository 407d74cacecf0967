"""Clients of gRPC and Connect."""

from tests.clients.client import Client
from tests.clients.services.calls import calls

CALL_CLIENTS = [
    Client(
        name="grpcio",
        script="with_grpcio.py",
        service=calls,
        says=("there and back", "b'x' b'x' b'x'", "FAILED_PRECONDITION as you wish"),
        fails="StatusCode.PERMISSION_DENIED",
    ),
    Client(
        name="grpclib",
        script="with_grpclib.py",
        service=calls,
        says=("there and back", "b'x' b'x' b'x'", "FAILED_PRECONDITION as you wish"),
        fails="PERMISSION_DENIED",
    ),
    Client(
        name="grpc-js",
        script="grpc_js.mjs",
        service=calls,
        says=("there and back", "x x x", "FAILED_PRECONDITION as you wish"),
        fails="7 PERMISSION_DENIED",
    ),
    Client(
        name="Connect in Python",
        script="with_connect.py",
        service=calls,
        says=("there and back", "x x x", "failed_precondition as you wish") * 2,
        fails="permission_denied|Forbidden",
    ),
    Client(
        name="Connect in Node",
        script="connect.mjs",
        service=calls,
        says=("there and back", "x x x", "FailedPrecondition as you wish") * 2,
        fails="permission_denied",
    ),
]
