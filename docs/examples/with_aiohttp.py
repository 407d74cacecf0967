import asyncio

import aiohttp

from authproxy.auth import ServiceAuth

BILLING = "https://billing-123456.europe-west4.run.app"


async def main() -> None:
    async with (
        ServiceAuth(BILLING, credentials="file:key.json") as auth,
        aiohttp.ClientSession(BILLING, middlewares=[auth.aiohttp()]) as session,
        session.get("/invoices") as answer,
    ):
        print(answer.status)


asyncio.run(main())
