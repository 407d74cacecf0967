"""Tells a redirect to Google's sign-in from which no browser finds its way back here.

Google leads back to the `redirect_uri` that the application has registered. When that is the
service's own address, the browser is past authproxy from then on, and is refused there for want of
a token: https://developers.google.com/identity/protocols/oauth2/web-server#creatingclient
"""

from urllib.parse import parse_qs, urlsplit

from authproxy.exchange import ResponseHead
from authproxy.policy.messages.origin_mapping import Home, local_url

REDIRECTS = frozenset([302, 303, 307])
SIGN_IN_HOST = "accounts.google.com"


def find_way_back(head: ResponseHead, home: Home) -> str | None:
    """The `redirect_uri` of a redirect to Google's sign-in, if it is one of the service's own."""
    if head.status not in REDIRECTS:
        return None
    location = next((value for name, value, _ in head.headers if name == b"location"), b"")
    try:
        to = urlsplit(location.decode("ascii"))
        [back] = parse_qs(to.query)["redirect_uri"]
        leads_past = local_way_back(back, home) != _without_query(back)
    except (ValueError, KeyError):
        return None
    return back if to.hostname == SIGN_IN_HOST and leads_past else None


def leads_to_sign_in(head: ResponseHead) -> bool:
    """Whether it is a redirect to Google's sign-in, wherever that leads back to."""
    location = next((value for name, value, _ in head.headers if name == b"location"), b"")
    try:
        host = urlsplit(location.decode("ascii")).hostname
    except ValueError:
        return False
    return head.status in REDIRECTS and host == SIGN_IN_HOST


def local_way_back(back: str, home: Home) -> str:
    """The same, by way of authproxy."""
    return local_url(_without_query(back).encode(), home).decode()


def _without_query(back: str) -> str:
    """With a path, since an OAuth client's redirect URIs are compared letter by letter."""
    url = urlsplit(back)
    return f"{url.scheme}://{url.netloc}{url.path or '/'}"
