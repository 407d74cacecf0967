from aiohttp import web

import authproxy


async def may_pass(request: web.Request) -> bool:
    return request.headers.get("X-Api-Key") == "from your own store of keys"


def make_app() -> web.Application:
    app = web.Application()
    billing = authproxy.web(
        "https://billing-123456.europe-west4.run.app",
        authorize=may_pass,
        credentials="file:key.json",
        remove_headers=["Cookie", "X-Api-Key"],
    )
    app.add_subapp("/billing/", billing)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="localhost")
