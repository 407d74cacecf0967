import asyncio
import sys

import httpx

url = sys.argv[1]


async def parts():
    for _ in range(30):
        yield b"x" * 100_000


async def main():
    async with httpx.AsyncClient(base_url=url, follow_redirects=True) as client:
        answer = await client.get("/whoami")
        answer.raise_for_status()
        print("whoami", answer.status_code)

        print("uploaded", (await client.post("/upload", content=parts())).json()["bytes"])

        async with client.stream("GET", "/clock?every=0.1&count=2") as answer:
            print("streamed", *[line async for line in answer.aiter_lines() if "id" in line])

        print("redirected", (await client.get("/redirect?absolute=1")).status_code)

        await client.get("/cookies")
        print("cookies", *(await client.get("/cookies")).json()["cookie"])

    async with httpx.AsyncClient(base_url=url, http1=False, http2=True) as client:
        answer = await client.get("/whoami")
        print("over", answer.http_version, answer.status_code)


asyncio.run(main())
