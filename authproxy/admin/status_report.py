"""Report on the running authproxy, as JSON, for `authproxy status` and the page. No secret is in
it."""

from collections.abc import Mapping, Sequence

from aiohttp import hdrs, web

from authproxy import __version__
from authproxy.admin.inside import Inside, ServiceState
from authproxy.admin.rates import Rate, Rates
from authproxy.admin.readiness import service_health
from authproxy.admin.views import View, as_json
from authproxy.identity.token_cache.status import TokenStatus
from authproxy.wire.status import PoolStatus, ServerStatus

MANY = 50
"""Services; of more, the report is for programs only."""


def report_views(inside: Inside, rates: Rates | None) -> list[View]:
    async def status(_request: web.Request) -> web.Response:
        await inside.refresh()
        found = report(inside, rates.now() if rates is not None else None)
        return as_json(found, is_long=len(inside.services()) > MANY)

    return [View(path="/api/status", handler=status)]


def front_view() -> View:
    """What the printed address opens while there is no page."""

    async def front(_request: web.Request) -> web.Response:
        return web.Response(status=303, headers={hdrs.LOCATION: "/api/status"})

    return View(path="/", handler=front)


def report(inside: Inside, rates: Mapping[str, Rate] | None = None) -> dict[str, object]:
    """`rates`: None where nobody counts requests."""
    services = inside.services()
    server = inside.server()
    health = list(map(service_health, services))
    pools: Sequence[PoolStatus | None] = server.pools if server else [None] * len(services)
    return {
        "version": __version__,
        "phase": inside.phase,
        "ready": inside.phase == "serving" and all(each.ready for each in health),
        "reload_problems": list(inside.reload_problems),
        "listeners": [{"url": each.url, "service": each.service} for each in inside.listeners()],
        "connections": _connections(server) if server else None,
        "workers": {"ready": server.processes, "replaced": server.replaced} if server else None,
        "services": [
            _service(state, pool)
            | {
                "ready": found.ready,
                "why": found.why,
                "rates": None if rates is None else _rate(rates.get(state.name)),
            }
            for state, pool, found in zip(services, pools, health, strict=True)
        ],
    }


def _connections(server: ServerStatus) -> dict[str, object]:
    return {
        "http1": server.http1,
        "http2": server.http2,
        "tunnels": server.tunnels,
        "arriving": server.arriving,
        "most": server.most,
        "exchanges": server.exchanges,
        "begun": server.begun,
    }


def _service(state: ServiceState, pool: PoolStatus | None) -> dict[str, object]:
    return {
        "name": state.name,
        "address": state.address,
        "tokens": [_token(each) for each in state.tokens],
        "pool": _pool(pool) if pool else None,
    }


def _token(status: TokenStatus) -> dict[str, object]:
    is_endless = status.expires_at == float("inf")
    trouble = status.trouble
    return {
        "source": status.source,
        "audience": status.audience,
        "principal": status.principal,
        "account": status.account,
        "state": status.state,
        "expires_at": None if is_endless else status.expires_at,
        "obtained_at": status.obtained_at,
        "obtained": status.obtained,
        "failures": status.failures,
        "minting": status.minting,
        "last_failure": None
        if trouble is None
        else {"message": trouble.message, "hint": trouble.hint, "permanent": trouble.permanent},
    }


def _rate(rate: Rate | None) -> dict[str, float]:
    found = rate or Rate(0.0, 0.0)
    return {"requests": round(found.requests, 3), "errors": round(found.errors, 3)}


def _pool(pool: PoolStatus) -> dict[str, object]:
    return {
        "connecting": pool.connecting,
        "open": pool.open,
        "idle": pool.idle,
        "waiting": pool.waiting,
        "limit": pool.limit,
        "opened": pool.opened,
        "failed": pool.failed,
    }
