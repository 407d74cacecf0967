"""`POST /-/reload`, as Prometheus has it, and `GET /-/reload`: what that would change."""

import asyncio

from aiohttp import web

from authproxy.admin.inside import Inside
from authproxy.admin.views import View, as_json
from authproxy.config.changes import ReloadAnswer
from authproxy.tasks import Tasks


def reload_views(inside: Inside, tasks: Tasks) -> list[View]:
    """For this machine and a key, as all that acts. `tasks`: a reload goes on, though who asked
    for it has gone."""

    async def reload(_request: web.Request) -> web.Response:
        return answer(await asyncio.shield(tasks.start(inside.reload(), name="reload")))

    async def preview(_request: web.Request) -> web.Response:
        return answer(await asyncio.shield(tasks.start(inside.preview(), name="preview")))

    return [
        View(path="/-/reload", handler=reload, method="POST"),
        View(path="/-/reload", handler=preview),
    ]


def answer(found: ReloadAnswer) -> web.Response:
    """200 for a configuration that can be used, 400 with all problems of one that cannot."""
    if found.problems:
        shown = {"status": "not valid", "problems": list(found.problems)}
        return as_json(shown, status=400)
    return as_json(
        {
            "status": "valid",
            "changes": list(found.changes),
            "needs_restart": list(found.needs_restart),
            "warnings": list(found.warnings),
        }
    )
