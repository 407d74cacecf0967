"""`python -m authproxy.demo.talk URL`: sends lines to a WebSocket and prints what comes back."""

import asyncio
import sys
from collections.abc import Callable, Iterable

import aiohttp


async def talk(url: str, lines: Iterable[str], say: Callable[[str], object]) -> int:
    """Send each line, print the answer to it; the exit code."""
    try:
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            for line in lines:
                await socket.send_str(line.rstrip("\n"))
                say(await socket.receive_str())
    except aiohttp.InvalidURL:
        say(f"{url} is not an address; write ws://HOST:PORT/ws")
        return 2
    except (aiohttp.ClientError, aiohttp.WSMessageTypeError) as error:
        say(f"the WebSocket at {url} failed: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(talk(sys.argv[1], sys.stdin, print)))
