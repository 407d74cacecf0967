"""Start page: the services, each with its address, at `/` where no service has it."""

from collections.abc import Sequence

from authproxy.errors import Code, StartPage


def start_page(links: Sequence[tuple[str, str]], unreachable: Sequence[str] = ()) -> StartPage:
    """`links`: names and addresses; `unreachable`: names of those without one for this client."""
    hint = ""
    if unreachable:
        hint = (
            f"{', '.join(unreachable)}: from authproxy's own machine only, since it has no name"
            " for other machines; add hosts or path to its configuration."
        )
    return StartPage(
        "This is authproxy. It passes requests on to these services.",
        code=Code.START_PAGE,
        links=links,
        hint=hint,
    )
