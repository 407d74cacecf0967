"""Envoy's questions by gRPC: the service envoy.service.auth.v3.Authorization."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import grpc

from authproxy.authorizer.decisions import AnswerForm, Authorizer
from authproxy.authorizer.envoy_messages import CheckRequest, CheckResponse
from authproxy.authorizer.ext_authz import (
    CLIENT_METADATA,
    granted_response,
    read_check,
    refused_response,
)
from authproxy.errors import StartError
from authproxy.values.hosts import bracketed

SERVICE = "envoy.service.auth.v3.Authorization"
LAST_WORDS_S = 1.0
"""For what is being answered when authproxy ends."""


class EnvoyPeer(asyncio.Transport):
    """The other end of a connection of gRPC's, whose sockets nobody sees."""

    def __init__(self, peer: str) -> None:
        """`peer`: as gRPC has it, `ipv4:127.0.0.1:50000` or `ipv6:%5B::1%5D:50000`."""
        family, _, address = unquote(peer).partition(":")
        host, _, port = address.rpartition(":")
        known = (host.strip("[]"), int(port)) if family in ("ipv4", "ipv6") else ("", 0)
        super().__init__({"peername": known})


class GrpcForm:
    """Answers questions until it is closed."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        handler = grpc.unary_unary_rpc_method_handler(
            self._check,
            request_deserializer=CheckRequest.FromString,
            response_serializer=CheckResponse.SerializeToString,
        )
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, {"Check": handler}),)
        )

    async def start(self, hosts: Sequence[str], port: int) -> int:
        """Listen at all `hosts`, which are addresses, at one port; which one. Raises StartError."""
        for host in hosts:
            address = f"{bracketed(host)}:{port}"
            try:
                port = self._server.add_insecure_port(address)
            except RuntimeError as error:
                raise StartError(
                    f"the authorizer cannot listen at {address}",
                    hint="Another process may serve it. Give `authorizer.grpc` another port.",
                ) from error
        await self._server.start()
        return port

    async def close(self) -> None:
        await self._server.stop(LAST_WORDS_S)

    async def _check(self, request: Any, context: Any) -> Any:
        form = AnswerForm(
            read=lambda: read_check(request, _client_of(context)),
            grant=lambda granted, _head: granted_response(granted),
            refuse=refused_response,
            is_obeyed=True,
        )
        return await self._authorizer.answer(EnvoyPeer(context.peer()), form)

    def __repr__(self) -> str:
        return f"<GrpcForm [{self._authorizer}]>"


def _client_of(context: Any) -> str:
    """What Envoy has said in the metadata; only Envoy's own configuration can put it there."""
    said = (value for name, value in context.invocation_metadata() if name == CLIENT_METADATA)
    return str(next(said, ""))
