import asyncio

import aiohttp

import authproxy


async def main() -> None:
    billing = authproxy.serve(
        "https://billing-123456.europe-west4.run.app", credentials="file:key.json"
    )
    async with billing as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/invoices") as answer:
            print(answer.status)


asyncio.run(main())
