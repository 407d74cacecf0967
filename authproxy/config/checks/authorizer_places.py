"""Checks of the authorizer's settings against the rest."""

from collections.abc import Iterator

from authproxy.config.checks.draft import Draft
from authproxy.config.checks.listeners import overlap
from authproxy.config.readers.setting_names import Path
from authproxy.errors import Problem
from authproxy.values import Listen


def check_authorizer(draft: Draft) -> Iterator[Problem]:
    """All about it."""
    places = draft.settings.authorizer.places
    for name, listen in places:
        yield from _place(draft, ("authorizer", name), listen)
    if len(places) > 1 and overlap(places[0][1], places[1][1]):
        yield draft.problem(
            ("authorizer", "grpc"), "is where `listen` of the authorizer is; give it another port"
        )
    if places and not draft.settings.trusted_proxies:
        yield draft.problem(
            ("authorizer", places[0][0]),
            "who may ask the authorizer is not said: it believes what the proxy in front says of"
            " its clients, and gives it tokens; write trusted_proxies with the proxy's address, as"
            ' in trusted_proxies = ["127.0.0.1"]',
        )


def _place(draft: Draft, path: Path, listen: Listen) -> Iterator[Problem]:
    if listen.path is not None or listen.inherited is not None:
        yield draft.problem(
            path, "must be an address and a port, by which trusted_proxies tell who asks"
        )
        return
    if listen.port is None:
        yield draft.problem(path, f"needs a port of its own, as in {listen}:9191")
    elif not listen.is_loopback:
        yield draft.warning(
            path,
            f"tokens leave {listen} unencrypted, and who reads along has them; keep that"
            " network to the proxy and authproxy, or let both share an address, as in a Pod",
        )
    for each in draft.settings.every_listener:
        if listen.port and overlap(listen, each.listen):
            yield draft.problem(
                path, f"{listen} is where clients connect; give the authorizer another port"
            )
