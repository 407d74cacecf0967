"""The sessions of `requests` that google-auth's requests go through.

Imported when a token is wanted, not before: `requests` takes its time.
"""

import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from authproxy.config.files.certificates import judge_alike


class _Adapter(HTTPAdapter):
    """Which certificates are trusted is as ever: REQUESTS_CA_BUNDLE, else those of certifi."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=_context(), **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=_context(), **kwargs)


def new_session() -> requests.Session:
    """Judges certificates as we do towards services."""
    session = requests.Session()
    session.mount("https://", _Adapter())
    return session


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    judge_alike(context)
    return context
