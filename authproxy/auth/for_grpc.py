"""Call credentials for gRPC, of channels of both kinds.

They are asked in threads of gRPC's own, which must not be kept waiting, and answer by a callback.
They never hear how a call ended: nothing is sent again, and no refusal is explained here.
"""

from concurrent.futures import Future
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import grpc

from authproxy.auth.named import bearer
from authproxy.auth.service_auth import ServiceAuth
from authproxy.errors import CredentialError
from authproxy.exchange import Token


class GrpcPlugin(grpc.AuthMetadataPlugin):  # type: ignore[misc]  # -- grpcio has no types
    """Each call to a service that is named gets its token; one to another fails."""

    def __init__(self, auth: ServiceAuth) -> None:
        self._auth = auth

    def __call__(self, context: Any, callback: Any) -> None:
        parts = urlsplit(context.service_url)
        named = self._auth.find(parts.scheme, parts.hostname, parts.port)
        if named is None:
            callback((), ValueError(f"{parts.netloc} is not one of the services named"))
            return
        name = named.field_name(has_authorization=False).lower()
        self._auth.ask_token(named).add_done_callback(partial(_answer, name, callback))


def _answer(name: str, callback: Any, asked: "Future[Token]") -> None:
    try:
        value = bearer(asked.result())
    except CredentialError as error:
        callback((), ValueError(error.text))
    except BaseException as error:  # noqa: BLE001 -- closed meanwhile: the call must hear of it
        callback((), error)
    else:
        callback(((name, value),) if value is not None else (), None)


def call_credentials(auth: ServiceAuth) -> Any:
    return grpc.metadata_call_credentials(GrpcPlugin(auth), name="authproxy")
