"""A web application that believes to be at its own address, and pages that wish it ill."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import unquote

from aiohttp import web

HEAD = '<!doctype html><link rel=icon href="data:,">'
FORM = (
    HEAD
    + """<title>in</title><form method=post action=/login>
<input name=csrf value=c1></form>"""
)
# The page itself loads by whatever CSP lets it: from its own address.
STRICT = HEAD + "<title>strict</title><body></body>"


def page(title: str, body: str = "", headers: Mapping[str, str] | None = None) -> web.Response:
    text = f"{HEAD}<title>{title}</title><body>{body}</body>"
    return web.Response(text=text, content_type="text/html", headers=headers)


class App:
    """It checks who asks as a framework would, and notes what it was asked."""

    def __init__(self) -> None:
        self.origin = ""
        self.changed = 0
        self.asked: list[str] = []
        self.ahead: list[str] = []
        """What was asked ahead of the user."""
        self.application = web.Application(middlewares=[self._note], client_max_size=10**7)
        self.application.add_routes(
            [
                web.get("/", self.form),
                web.post("/login", self.login),
                web.get("/home", self.home),
                web.get("/logout", self.logout),
                web.get("/unsaid", self.unsaid),
                web.post("/unsaid", self.unsaid_posted),
                web.get("/links", self.links),
                web.get("/strict", self.strict),
                web.get("/dot.svg", self.dot),
                web.post("/upload", self.upload),
                web.get("/socket", self.socket),
                web.get("/nameless", self.nameless),
                web.get("/cookies", self.cookies),
                web.route("*", "/change", self.change),
                web.route("*", "/change/{how}", self.change),
            ]
        )

    @web.middleware
    async def _note(self, request: web.Request, handler: object) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path}")
        if "Sec-Purpose" in request.headers:
            self.ahead.append(request.path)
        return await handler(request)  # type: ignore[operator, no-any-return]  # -- as aiohttp calls it

    def _is_own(self, request: web.Request) -> bool:
        return request.headers.get("Origin") == self.origin

    async def form(self, request: web.Request) -> web.Response:
        answer = web.Response(text=FORM, content_type="text/html")
        answer.headers.add("Set-Cookie", "__Host-csrf=c1; Secure; Path=/; SameSite=None")
        answer.headers.add("Set-Cookie", "seen=1; Path=/")
        answer.headers["Strict-Transport-Security"] = "max-age=31536000"
        answer.headers["Content-Security-Policy"] = f"default-src * 'unsafe-inline' {self.origin}"
        return answer

    async def login(self, request: web.Request) -> web.Response:
        form = await request.post()
        ok = self._is_own(request) and form["csrf"] == request.cookies.get("__Host-csrf")
        if not ok or not request.headers["Referer"].startswith(f"{self.origin}/"):
            return web.Response(status=403, text="no")
        answer = web.Response(status=303, headers={"Location": f"{self.origin}/home"})
        answer.headers.add(
            "Set-Cookie",
            "__Secure-session=s1; Domain=app.example.run.app; Secure; HttpOnly; Path=/",
        )
        answer.headers.add("Set-Cookie", "session=s2; Secure; HttpOnly; SameSite=Lax; Path=/")
        return answer

    async def home(self, request: web.Request) -> web.Response:
        known = [request.cookies.get(name) for name in ("__Secure-session", "session")]
        return page("welcome" if known == ["s1", "s2"] else "stranger")

    async def logout(self, request: web.Request) -> web.Response:
        return page("out", headers={"Clear-Site-Data": '"cookies"'})

    async def unsaid(self, request: web.Request) -> web.Response:
        form = "<form method=post action=/unsaid><input name=a></form>"
        return page("unsaid", form, {"Referrer-Policy": "no-referrer"})

    async def unsaid_posted(self, request: web.Request) -> web.Response:
        said = request.headers.get("Origin"), request.headers.get("Referer", "")
        return page("posted", f"{said}")

    async def links(self, request: web.Request) -> web.Response:
        return page("links", "<a href=/home>home</a>")

    async def strict(self, request: web.Request) -> web.Response:
        """As a service wants it that knows itself in TLS."""
        policy = (
            "default-src 'none'; img-src https: data:; connect-src https: wss:;"
            " script-src 'unsafe-inline' 'unsafe-eval'; upgrade-insecure-requests"
        )
        return page("strict", headers={"Content-Security-Policy": policy})

    async def dot(self, request: web.Request) -> web.Response:
        svg = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
        return web.Response(text=svg, content_type="image/svg+xml")

    async def upload(self, request: web.Request) -> web.Response:
        size = len(await request.read()) if self._is_own(request) else -1
        return web.json_response(size)

    async def socket(self, request: web.Request) -> web.StreamResponse:
        if not self._is_own(request):
            return web.Response(status=403)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{message.data}!")
        return socket

    async def nameless(self, request: web.Request) -> web.Response:
        """Sets what it should not: another service's session, as WebKit would return it."""
        answer = page("nameless")
        for name in ("=authproxy.other.session", "=authproxy..session", "=session"):
            answer.headers.add("Set-Cookie", f"{name}=forged; Path=/")
        return answer

    async def cookies(self, request: web.Request) -> web.Response:
        return page("cookies", request.headers.get("Cookie", "none"), {"X-App": "here"})

    async def change(self, request: web.Request) -> web.Response:
        self.changed += 1
        return web.Response(text="changed")


@asynccontextmanager
async def served(
    application: web.Application, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """The port at 127.0.0.1."""
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _hostile(request: web.Request) -> web.Response:
    """A page, and what else it needs of its own server: `?` is followed by the target."""
    target = unquote(request.query_string)
    if request.path == "/redirect":
        return web.Response(status=302, headers={"Location": target})
    if request.path == "/reports":
        policy = f"img-src 'none'; report-uri {target}"
        headers = {"Content-Security-Policy": policy}
        return page("reports", "<img src=http://nowhere.invalid/x>", headers)
    if request.path == "/styled":
        text = f'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="{target}"?><a/>'
        return web.Response(text=text, content_type="text/xml")
    if request.path == "/frames":
        return web.Response(
            text=f'<frameset><frame src="{target}"></frameset>', content_type="text/html"
        )
    return page("evil")


def hostile() -> web.Application:
    application = web.Application()
    application.router.add_get("/{any:.*}", _hostile)
    return application
