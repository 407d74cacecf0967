"""The key to the admin listener, and the cookie that a browser has in its place.

The key stands in the address that a person opens. The cookie is other text than the key: browsers
send it to every port of its host, and so to what else runs there.
"""

import secrets

from authproxy.exchange import Secret

KEY_BYTES = 32
TICKET_S = 60.0
MOST_TICKETS = 16


class AdminKey:
    """Made when the listener is, and good until it ends."""

    def __init__(self, chosen: Secret | None = None) -> None:
        """`chosen`: by the configuration; else one is made."""
        self.is_chosen = chosen is not None
        self.key = chosen or Secret(secrets.token_urlsafe(KEY_BYTES))
        self.local = Secret(secrets.token_urlsafe(KEY_BYTES))
        """For programs of the same user, which find it in a file: see `authproxy.admin_file`."""
        self.cookie = Secret(secrets.token_urlsafe(KEY_BYTES))
        self._tickets: list[tuple[Secret, float]] = []
        """Each with the moment until which it counts."""

    def opens(self, shown: str) -> bool:
        """Compared in a time that does not depend on where it differs."""
        return _is_same(shown, self.key) | _is_same(shown, self.local)

    def make_ticket(self, now: float) -> Secret:
        """Text that opens once, and only for a minute."""
        ticket = Secret(secrets.token_urlsafe(KEY_BYTES))
        self._tickets = [*self._tickets[1 - MOST_TICKETS :], (ticket, now + TICKET_S)]
        return ticket

    def takes_ticket(self, shown: str, now: float) -> bool:
        """Does it count? It does not once more."""
        found = [each for each in self._tickets if _is_same(shown, each[0])]
        self._tickets = [each for each in self._tickets if each not in found]
        return any(now < until for _, until in found)

    def is_cookie(self, shown: str) -> bool:
        return _is_same(shown, self.cookie)

    def __repr__(self) -> str:
        return f"<AdminKey [{'chosen' if self.is_chosen else 'made'}]>"


def _is_same(shown: str, secret: Secret) -> bool:
    return secrets.compare_digest(
        shown.encode("utf-8", "surrogateescape"), secret.reveal().encode()
    )
