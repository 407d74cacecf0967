"""Identity tokens for programs that speak to their services themselves, without a proxy.

`service_auth` has what programs use; `auth_keywords` are its settings. `minting` has the tokens, in
a thread of its own, by the same sources and the same cache as the proxy's; `named` knows which
hosts get one, and in which field; `google_answers` says why Google refused. Each HTTP library has a
short module: `for_aiohttp`, `for_httpx`, `for_requests`, `for_grpc`; it is imported when asked for.
"""

from authproxy.auth.service_auth import ServiceAuth
from authproxy.errors import ConfigError, CredentialError

__all__ = ["ConfigError", "CredentialError", "ServiceAuth"]
