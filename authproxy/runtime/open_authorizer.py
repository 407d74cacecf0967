"""The authorizer of a running proxy: imported and opened only where the settings ask for it."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from socket import AF_INET6, socket
from typing import TYPE_CHECKING

from authproxy.errors import StartError
from authproxy.settings import LimitSettings, Settings
from authproxy.values import Listen
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.listening.sockets import listener_url, open_listener
from authproxy.wire.recorder import Recorder

if TYPE_CHECKING:
    from authproxy.authorizer.decisions import Authorizer


@dataclass(slots=True)
class OpenAuthorizer:
    """The authorizer as it listens, in all forms that the settings ask for."""

    urls: list[str] = field(default_factory=list)
    authorizer: "Authorizer | None" = None
    """None where there is none."""
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def open_http(self, listen: Listen, authorizer: "Authorizer", settings: Settings) -> None:
        """Raises StartError."""
        from authproxy.authorizer.http_form import HttpForm

        limits = settings.limits
        form = HttpForm(authorizer, target_bytes=limits.target_bytes, head_bytes=limits.head_bytes)
        sockets = open_sockets(listen, "authorizer.listen")
        self._stack.push_async_callback(form.close)
        await form.start(sockets)
        self.urls.append(listener_url(listen, sockets[0]))

    async def open_grpc(self, listen: Listen, authorizer: "Authorizer") -> None:
        """Raises StartError."""
        try:
            from authproxy.authorizer.grpc_form import GrpcForm
        except ImportError as error:
            raise StartError(
                f"authorizer.grpc needs a package that is not there: {error.name}",
                hint="Run pip install '.[envoy]' in a checkout of authproxy.",
            ) from error
        form = GrpcForm(authorizer)
        self._stack.push_async_callback(form.close)
        port = await form.start(addresses_of(listen), listen.port or 0)
        self.urls.append(f"grpc://{replace(listen, port=port)}")

    async def close(self) -> None:
        await self._stack.aclose()

    def __repr__(self) -> str:
        return f"<OpenAuthorizer [{', '.join(self.urls) or 'none'}]>"


async def open_authorizer(
    settings: Settings,
    rules: ListenerRules | None,
    recorder: Recorder,
    limits: Callable[[], LimitSettings],
) -> OpenAuthorizer:
    """Raises StartError. `rules`: None where the settings ask for none; `limits`: those in use."""
    opened = OpenAuthorizer()
    if rules is None:
        return opened
    from authproxy.authorizer.decisions import Authorizer

    authorizer = opened.authorizer = Authorizer(rules, recorder, lambda: limits().body_bytes)
    asked = settings.authorizer
    try:
        if asked.listen is not None:
            await opened.open_http(asked.listen, authorizer, settings)
        if asked.grpc is not None:
            await opened.open_grpc(asked.grpc, authorizer)
    except BaseException:
        await opened.close()
        raise
    return opened


def addresses_of(listen: Listen) -> list[str]:
    """For gRPC, which is content with one address of a name where another process has the other."""
    if listen.host != "localhost":
        return [listen.host]
    return ["127.0.0.1", "::1"] if has_ipv6_loopback() else ["127.0.0.1"]


def has_ipv6_loopback() -> bool:
    try:
        with socket(AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


def open_sockets(listen: Listen, setting: str) -> Sequence[socket]:
    """Raises StartError, which names the `setting`."""
    try:
        return open_listener(listen)
    except StartError as error:
        hint = error.hint.replace("--listen", f"`{setting}`")
        raise StartError(f"the authorizer {error}", hint=hint) from error
