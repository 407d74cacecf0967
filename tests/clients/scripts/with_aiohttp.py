import asyncio
import sys

import aiohttp

url = sys.argv[1]


async def parts():
    for _ in range(30):
        yield b"x" * 100_000


async def main():
    async with aiohttp.ClientSession(url, raise_for_status=True) as session:
        async with session.get("/whoami") as answer:
            print("whoami", answer.status)

        async with session.post("/upload", data=parts()) as answer:
            print("uploaded", (await answer.json())["bytes"])

        async with session.get("/clock?every=0.1&count=2") as answer:
            lines = [line.decode().strip() async for line in answer.content]
            print("streamed", *(line for line in lines if "id" in line))

        async with session.get("/redirect?absolute=1") as answer:
            print("redirected", answer.status)

        await session.get("/cookies")
        async with session.get("/cookies") as answer:
            [kept] = (await answer.json())["cookie"]
            print("cookies", "; ".join(sorted(kept.split("; "), reverse=True)))

        async with session.ws_connect("/ws") as socket:
            await socket.send_str("there and back")
            print("WebSocket", await socket.receive_str())


asyncio.run(main())
