import sys

import socketio

# The first begins with polling and goes over to a WebSocket, as it does unless told otherwise.
for transports in (["polling", "websocket"], ["websocket"]):
    with socketio.SimpleClient() as client:
        client.connect(sys.argv[1], transports=transports)
        print(client.receive(timeout=10)[1], client.call("say", "there and back"))
        client.emit("send", b"123")
        name, data = client.receive(timeout=10)
        print(name, data.decode(), "by", client.transport)
