import sys

from websockets.sync.client import connect

url = sys.argv[1].replace("http", "ws", 1)

with connect(f"{url}/ws", max_size=None) as socket:
    socket.send("there and back")
    print(socket.recv())
    socket.send(bytes(1_000_000))
    print(len(socket.recv()), "bytes")
    print("pong", socket.ping().wait(10))
