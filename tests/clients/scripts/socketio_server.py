"""Not a client: the server that both Socket.IO clients talk to, on the port in its argument."""

import sys

import socketio
from aiohttp import web

server = socketio.AsyncServer(async_mode="aiohttp")


@server.event
async def connect(sid, environ):
    await server.emit("welcome", "hello", to=sid)


@server.on("say")
async def say(sid, words):
    return words.upper()


@server.on("send")
async def send(sid, data):
    await server.emit("sent", data[::-1], to=sid)


application = web.Application()
server.attach(application)
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None)
