"""Probes, as a kubelet and Cloud Run make them: `/startup`, `/liveness`, `/readiness`.

200 says yes and 503 no, and the body why: JSON, a line for all and one for each service.
"""

import json
from collections.abc import Mapping, Sequence

from aiohttp import web

from authproxy.admin.deep import DeepChecks
from authproxy.admin.inside import Inside
from authproxy.admin.readiness import Health, health
from authproxy.admin.views import View

YES = ("1", "true", "yes", "")


def probe_views(inside: Inside, deep: DeepChecks) -> list[View]:
    """Open to `admin_allow`."""

    async def startup(_request: web.Request) -> web.Response:
        started = inside.phase != "starting"
        return answer(started, {"status": "started" if started else "starting"})

    async def liveness(_request: web.Request) -> web.Response:
        """That this is answered is the answer: the loop turns. Google has no part in it."""
        return answer(True, {"status": "alive"})

    async def readiness(request: web.Request) -> web.Response:
        found = health(inside.phase, inside.services())
        try_again(found, inside)
        if request.query.get("deep", "0").lower() in YES:
            found = await deep.look(found)
        return answer_health(found, inside.reload_problems)

    return [
        View(path="/startup", handler=startup, is_open=True),
        View(path="/liveness", handler=liveness, is_open=True),
        View(path="/readiness", handler=readiness, is_open=True),
    ]


def try_again(found: Health, inside: Inside) -> None:
    """Nobody sends requests to what is not ready, and so none would bring the next token."""
    for each in found.services:
        if not each.ready:
            inside.retry(each.name)


def answer_health(found: Health, problems: Sequence[str] = ()) -> web.Response:
    """`problems`: of a configuration that is not in use. What is in use is ready all the same."""
    status = "ready" if found.ready else "not ready"
    if found.phase != "serving":
        status = found.phase
    lines = [each.line() for each in found.services if each.why or not each.ready]
    if problems:
        lines.append({"configuration": "not reloaded", "problems": list(problems)})
    return answer(found.ready, {"status": status}, *lines)


def answer(good: bool, *lines: Mapping[str, object]) -> web.Response:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return web.Response(
        text=text, status=200 if good else 503, content_type="application/json", charset="utf-8"
    )
