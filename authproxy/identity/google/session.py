"""The sessions of `requests` that google-auth's requests go through.

Imported when a token is wanted, not before: `requests` takes its time.
"""

import os
import ssl
from pathlib import Path
from typing import Any

import requests
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter

from authproxy.identity.trust import judge_alike


class _Adapter(HTTPAdapter):
    """Transport adapter of a session; trusts REQUESTS_CA_BUNDLE, else certifi's certificates."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=_context(), **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        if proxy.lower().startswith("https:"):
            kwargs["proxy_ssl_context"] = _context_for_proxy()
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


def _context_for_proxy() -> ssl.SSLContext:
    """For the proxy itself: the certificates that requests would have told urllib3 to trust.

    One that is not there is complained of by requests, when it comes to what is behind the proxy.
    """
    context = _context()
    bundle = Path(
        os.environ.get("REQUESTS_CA_BUNDLE")
        or os.environ.get("CURL_CA_BUNDLE")
        or DEFAULT_CA_BUNDLE_PATH
    )
    if bundle.is_dir():
        context.load_verify_locations(capath=bundle)
    elif bundle.exists():
        context.load_verify_locations(cafile=bundle)
    return context
