"""Clients of WebSockets and Socket.IO."""

from tests.clients.client import Client
from tests.clients.services.socketio import socketio

HELLO = "hello THERE AND BACK"

SOCKET_CLIENTS = [
    Client(
        name="websockets",
        script="with_websockets.py",
        says=("there and back", "1000000 bytes", "pong True"),
        fails="server rejected WebSocket connection: HTTP 403",
    ),
    Client(
        name="ws",
        script="ws.mjs",
        says=("there and back", "1000000 bytes", "pong true"),
        fails="Unexpected server response: 403",
    ),
    Client(
        name="Socket.IO in Python",
        script="with_socketio.py",
        service=socketio,
        says=(HELLO, "sent 321 by websocket", HELLO, "sent 321 by websocket"),
        fails="socketio.exceptions.ConnectionError",
    ),
    Client(
        name="Socket.IO in Node",
        script="socketio.mjs",
        service=socketio,
        says=(HELLO, "sent 321 by polling", HELLO, "sent 321 by websocket"),
        fails="xhr poll error",
    ),
]
