"""The inspector's page at the admin listener: the files in `page/`, as they are in the package.

Every address but `/` has a digest of all files in it, so that browsers keep them for good, and
never mix those of two versions. They are read, and compressed, when somebody first asks.
"""

import gzip
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files

from aiohttp import hdrs, web

from authproxy.admin.views import View, refused

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing from elsewhere, nothing inline; and where browsers know trusted types, no script of the
page can make elements of text."""
FOR_GOOD = "private, max-age=31536000, immutable"
ASK_FIRST = "private, no-cache"
SMALL = 512
"""Bytes that are not worth compressing."""
_PLACE = b"/page/VERSION/"


@dataclass(frozen=True)
class PageFile:
    """One file, as it is sent."""

    content: bytes
    media_type: str
    compressed: bytes = field(repr=False, default=b"")
    """Empty where it is not worth it."""

    @cached_property
    def tag(self) -> str:
        return hashlib.blake2b(self.content, digest_size=10).hexdigest()


class PageFiles:
    """All files of the page, once somebody has asked for one."""

    @cached_property
    def _sources(self) -> dict[str, bytes]:
        folder = files("authproxy.inspector").joinpath("page")
        return {
            each.name: each.read_bytes()
            for each in sorted(folder.iterdir(), key=lambda each: each.name)
            if _suffix(each.name) in TYPES
        }

    @cached_property
    def version(self) -> str:
        """A digest of them all."""
        digest = hashlib.blake2b(digest_size=8)
        for name, content in self._sources.items():
            digest.update(b"%b %d " % (name.encode(), len(content)) + content)
        return digest.hexdigest()

    @cached_property
    def _made(self) -> dict[str, PageFile]:
        return {}

    def find(self, name: str) -> PageFile | None:
        """None when there is none of this name."""
        source = self._sources.get(name)
        if source is None:
            return None
        if name not in self._made:
            self._made[name] = self._make(name, source)
        return self._made[name]

    def _make(self, name: str, source: bytes) -> PageFile:
        content = source.replace(_PLACE, f"/page/{self.version}/".encode())
        is_large = len(content) > SMALL
        compressed = gzip.compress(content, mtime=0) if is_large else b""
        return PageFile(content, TYPES[_suffix(name)], compressed)

    def __repr__(self) -> str:
        return "<PageFiles>"


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2]


def page_views(page: PageFiles | None = None) -> list[View]:
    """For the admin listener. All of it is guarded; it shows nothing, but who has no key needs no
    page either."""
    found = page or PageFiles()

    async def index(request: web.Request) -> web.StreamResponse:
        return _answer(request, found.find("index.html"), ASK_FIRST)

    async def asset(request: web.Request) -> web.StreamResponse:
        if request.match_info["version"] != found.version:
            return refused(404, "no_route", "This is of another version of the page.", "Reload it.")
        name = request.match_info["name"]
        return _answer(request, None if name == "index.html" else found.find(name), FOR_GOOD)

    return [
        View(path="/", handler=index),
        View(path="/page/{version:[0-9a-f]{16}}/{name:[a-z0-9.-]{1,60}}", handler=asset),
    ]


def _answer(request: web.Request, file: PageFile | None, keep: str) -> web.StreamResponse:
    if file is None:
        return refused(404, "no_route", "There is nothing at this path.")
    fields = {
        hdrs.ETAG: f'"{file.tag}"',
        hdrs.CACHE_CONTROL: keep,
        hdrs.VARY: "Accept-Encoding",
        "Content-Security-Policy": POLICY,
    }
    known = request.if_none_match or ()
    if any(each.value in (file.tag, "*") for each in known):
        return web.Response(status=304, headers=fields)
    body = file.content
    if file.compressed and _takes_gzip(request):
        body, fields[hdrs.CONTENT_ENCODING] = file.compressed, "gzip"
    return web.Response(body=body, headers=fields, content_type=file.media_type, charset="utf-8")


def _takes_gzip(request: web.Request) -> bool:
    words = request.headers.get(hdrs.ACCEPT_ENCODING, "").lower().replace(" ", "").split(",")
    return "gzip" in words
