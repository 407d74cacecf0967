"""What stands at `/` where nothing is served there: the services, each with its address."""

from collections.abc import Sequence

from authproxy.errors import Code, StartPage


def start_page(links: Sequence[tuple[str, str]]) -> StartPage:
    """`links`: names and addresses."""
    return StartPage(
        "This is authproxy. It passes requests on to these services.",
        code=Code.START_PAGE,
        links=links,
    )
