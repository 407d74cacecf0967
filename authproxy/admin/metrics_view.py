"""`/metrics`, for Prometheus and its like: open to `admin_allow`, without a key."""

from aiohttp import hdrs, web

from authproxy.admin.views import View, refused
from authproxy.observe.metrics.scrape import Scraper

PATH = "/metrics"
NAMES = "name[]"
"""The parameter that asks for single families or samples, as Prometheus' clients have it."""


def metrics_views(scraper: Scraper) -> list[View]:
    async def metrics(request: web.Request) -> web.Response:
        fields = request.headers
        scraped = await scraper.scrape(
            accept=", ".join(fields.getall(hdrs.ACCEPT, ())),
            accept_encoding=", ".join(fields.getall(hdrs.ACCEPT_ENCODING, ())),
            names=request.query.getall(NAMES, ()),
        )
        if scraped is None:
            message = "Too many scrapes wait for their answer already."
            return refused(503, "too_many_scrapes", message, "Scrape less often.")
        answer = web.Response(body=scraped.body)
        answer.headers[hdrs.CONTENT_TYPE] = scraped.content_type
        answer.headers[hdrs.VARY] = "Accept, Accept-Encoding"
        if scraped.gzip:
            answer.headers[hdrs.CONTENT_ENCODING] = "gzip"
        return answer

    return [View(path=PATH, handler=metrics, is_open=True)]
