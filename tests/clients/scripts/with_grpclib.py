import asyncio
import ssl
import sys
from urllib.parse import urlsplit

from grpclib.client import Channel, UnaryStreamMethod, UnaryUnaryMethod
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError

url = urlsplit(sys.argv[1])
tls = None
if url.scheme == "https":
    tls = ssl.create_default_context()
    tls.set_alpn_protocols(["h2"])


class Bytes(CodecBase):
    """Messages as they are, in place of generated classes."""

    __content_subtype__ = "proto"

    def encode(self, message, message_type):
        return message

    def decode(self, data, message_type):
        return data


async def main():
    async with Channel(url.hostname, url.port, ssl=tls, codec=Bytes()) as channel:
        say = UnaryUnaryMethod(channel, "/demo.Echo/Say", bytes, bytes)
        print((await say(b"there and back", timeout=10)).decode())
        print(*await UnaryStreamMethod(channel, "/demo.Echo/Count", bytes, bytes)(b"x", timeout=10))
        try:
            await UnaryUnaryMethod(channel, "/demo.Echo/Fail", bytes, bytes)(b"", timeout=10)
        except GRPCError as error:
            print(error.status.name, error.message)


asyncio.run(main())
