"""Settings for one command: a listener for each service, on free ports."""

from dataclasses import dataclass

from authproxy.config.checks.listeners import TELLS_USERS_OF_TCP
from authproxy.exec.placeholders import HOST, Variable
from authproxy.own_use import for_one_client
from authproxy.settings import ListenerSettings, Settings
from authproxy.system.offers import user_id
from authproxy.values import Listen

FORWARD = "http-proxy"
"""The name of the listener for tools that take it for their proxy: all services are behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecOptions:
    """Wishes of the command line."""

    variables: tuple[Variable, ...] = ()
    forward_proxy: bool = False
    """Set http_proxy as well."""
    any_user: bool = False
    """Let other users of this machine connect."""
    live_log: bool = False
    """Write the log to stderr while CMD runs."""


def for_command(settings: Settings, options: ExecOptions) -> Settings:
    """Every service at `/` of a port of its own, whatever its name or path elsewhere."""
    listeners = {f"for-{name}": _listener(name, options) for name in settings.services}
    if options.forward_proxy:
        listeners[FORWARD] = _listener(None, options)
    services = {
        name: service.model_copy(update={"path": None, "strip_path": False})
        for name, service in settings.services.items()
    }
    return for_one_client(settings, services, listeners=listeners)


def _listener(service: str | None, options: ExecOptions) -> ListenerSettings:
    uid = None if options.any_user or not TELLS_USERS_OF_TCP else user_id()
    return ListenerSettings.model_construct(
        listen=Listen(host=HOST, port=0),
        service=service,
        peer_uids=() if uid is None else (uid,),
    )
