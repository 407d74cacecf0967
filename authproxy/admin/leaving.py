"""`POST /quitquitquit`, as Envoy and Istio have it: a Kubernetes Job ends when its sidecars do."""

from aiohttp import web

from authproxy.admin.inside import Inside
from authproxy.admin.views import View, as_json


def quit_views(inside: Inside) -> list[View]:
    """For this machine and a key, as all that acts."""

    async def leave(_request: web.Request) -> web.Response:
        inside.quit()
        return as_json({"status": "draining"})

    return [View(path="/quitquitquit", handler=leave, method="POST")]
