import asyncio

import httpx

from authproxy.auth import ServiceAuth

BILLING = "https://billing-123456.europe-west4.run.app"
auth = ServiceAuth(BILLING, credentials="file:key.json")


async def main() -> None:
    async with httpx.AsyncClient(auth=auth.httpx(), base_url=BILLING) as client:
        print((await client.get("/invoices")).status_code)


with httpx.Client(auth=auth.httpx(), base_url=BILLING) as client:
    print(client.get("/invoices").status_code)
asyncio.run(main())
