"""`authproxy status`: how is the authproxy there, or does one answer at all?

The admin listener is asked how all stands. Where there is none, a listener for clients is asked for
a host name that nobody has: authproxy refuses that by itself, with a header that says so, and no
service hears of it. A container runs this every few seconds, so it imports little.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from authproxy.admin_file import AdminFile, read_all
from authproxy.commands.status_request import Reply, ask, request_for
from authproxy.values import (
    DEFAULT_PORT,
    PROBE_HOST,
    Listen,
    parse_admin,
    parse_listen,
)
from authproxy.values.hosts import is_loopback
from authproxy.values.wording import printable

if TYPE_CHECKING:
    from authproxy.exchange import Secret

TIMEOUT_S = 3.0
TLS_VARIABLE = "AUTHPROXY_TLS_CERT_FILE"
ADMIN, KEY, HEALTH = "AUTHPROXY_ADMIN", "AUTHPROXY_ADMIN_KEY", "AUTHPROXY_HEALTH_PATH"
LISTENS = ("AUTHPROXY_LISTEN", "PORT", "AUTHPROXY_PORT")
REQUEST = request_for("/", PROBE_HOST)
"""What the access log leaves out."""
MARK = b"x-authproxy-error:"
_SET_KEY = f"set {KEY} to env:NAME or file:PATH, with the key that it has there"
NEEDS_KEY = f"requires the admin key: run this as the same user as authproxy, or {_SET_KEY}"
ADMIN_MARK = b"x-authproxy-listener: admin"
REFUSED = (401, 403, 429)
_NEXT = "is authproxy running? If it listens elsewhere, name that address: authproxy status ADDR"

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- compared with, not bound to


@dataclass(frozen=True, slots=True)
class StatusWanted:
    """Options of `authproxy status`."""

    json: bool = False
    ready: bool = False
    """Only whether it is ready, by the exit code."""
    at_terminal: bool = False


@dataclass(frozen=True, slots=True)
class StatusTarget:
    """Listener that is asked."""

    listen: Listen
    in_tls: bool = False
    is_admin: bool = False
    """It is known to be the admin listener; else the answer tells."""
    key: "Secret | None" = None


def run(
    address: str | None,
    environ: Mapping[str, str],
    say: Callable[[str], object],
    *,
    wanted: StatusWanted = StatusWanted(),
    timeout_s: float = TIMEOUT_S,
) -> int:
    """The exit code: 0 when one answers, with `ready` when it is; 1 when not, or when it refuses
    the key; 2 for no address or no key."""
    try:
        target = find(address, environ)
    except ValueError as error:
        say(f"authproxy: {error}")
        return 2
    try:
        reply = None if target.is_admin else knock(target, timeout_s)
        if reply is not None and not reply.has(ADMIN_MARK):
            if wanted.ready and environ.get(HEALTH, "").strip():
                return _ask_health(target, environ, say, timeout_s)
            return _say_knock(reply, target, say, wanted)
        if not target.is_admin:
            target = admin_at(target.listen, environ)
        return _look(target, environ, say, wanted, timeout_s)
    except OSError as error:
        say(f"authproxy: {nothing_answers(target, error)}")
        return 1


def nothing_answers(target: StatusTarget, error: OSError) -> str:
    why = error.strerror or "it took too long"
    return f"nothing answers at {target.listen}: {why}; {_NEXT}"


def why_refused(reply: Reply, target: StatusTarget, what: str) -> str:
    """Of an answer with 401, 403 or 429 from authproxy; `what`: the thing that was asked for."""
    if reply.status == 401 and target.key is None:
        return f"authproxy answers at {target.listen}, but {what} {NEEDS_KEY}"
    if reply.status == 401:
        return f"the authproxy at {target.listen} refuses this admin key; {_SET_KEY}"
    why = said(reply) or f"it answers {reply.status}"
    return f"the authproxy at {target.listen} does not show {what}: {why}"


def said(reply: Reply) -> str:
    """An error of the admin listener's in its own words; empty for something else."""
    import json

    try:
        found = json.loads(reply.body)
        return printable(f"{found['message']} {found['hint'] or ''}".strip())
    except (ValueError, KeyError, TypeError):
        return ""


def find(address: str | None, environ: Mapping[str, str], command: str = "status") -> StatusTarget:
    """The address that was given, else the admin listener that the environment or a file of one
    that runs names, else the first listener for clients. Raises ValueError, which says how to
    write `command`."""
    if address is None:
        admin = environ.get(ADMIN, "").strip()
        spec = parse_admin(admin) if admin else None
        if spec is not None and spec.kind == "at" and spec.listen.port != 0:
            return admin_at(_here(spec.listen), environ)
        if not any(environ.get(name, "").strip() for name in LISTENS):
            running = read_all(environ)
            if len(running) > 1:
                each = " or ".join(file.url.removeprefix("http://") for file in running)
                raise ValueError(f"several run here; say which: authproxy {command} {each}")
            if running:
                return admin_at(_listen_of(running[0]), environ)
    listen, in_tls = find_target(address, environ)
    return StatusTarget(listen, in_tls)


def find_target(address: str | None, environ: Mapping[str, str]) -> tuple[Listen, bool]:
    """Where, and whether TLS is spoken there: `https://` or AUTHPROXY_TLS_CERT_FILE says so."""
    text = address or environ.get("AUTHPROXY_LISTEN", "").split(",")[0].strip()
    is_plain = text.startswith("http://")
    in_tls = text.startswith("https://") or bool(environ.get(TLS_VARIABLE, "").strip())
    text = text.removeprefix("https://").removeprefix("http://").removesuffix("/")
    listen = parse_listen(text) if text else Listen()
    if listen.path is not None:
        return listen, False
    port = listen.port
    if port is None:
        port = parse_listen(f"localhost:{environ.get('PORT', '').strip() or DEFAULT_PORT}").port
    return _here(Listen(listen.host, port)), in_tls and not is_plain


def _here(listen: Listen) -> Listen:
    return Listen(_EVERYWHERE.get(listen.host, listen.host), listen.port, listen.path)


def _listen_of(file: AdminFile) -> Listen:
    return _here(parse_listen(file.url.removeprefix("http://")))


def admin_at(listen: Listen, environ: Mapping[str, str]) -> StatusTarget:
    """With the key that the file of one that runs has for it."""
    same = (each.key for each in read_all(environ) if _is_same(_listen_of(each), listen))
    return StatusTarget(listen, is_admin=True, key=next(same, None))


def target_of(file: AdminFile) -> StatusTarget:
    return StatusTarget(_listen_of(file), is_admin=True, key=file.key)


def _is_same(one: Listen, other: Listen) -> bool:
    """The key goes to no other machine, whatever listens there at the same port."""
    is_host = one.host == other.host or (is_loopback(one.host) and is_loopback(other.host))
    return is_host and (one.port, one.path) == (other.port, other.path)


def _look(
    target: StatusTarget,
    environ: Mapping[str, str],
    say: Callable[[str], object],
    wanted: StatusWanted,
    timeout_s: float,
) -> int:
    """Ask the admin listener."""
    if wanted.ready:
        return _say_ready(ask(target.listen, "/readiness", timeout_s=timeout_s), say)
    try:
        key = target.key or chosen_key(environ)
    except ValueError as error:
        say(f"authproxy: {error}")
        return 2
    target = replace(target, key=key)
    reply = ask(target.listen, "/api/status", key=key.reveal() if key else "", timeout_s=timeout_s)
    if reply.status == 200:
        return _say_report(reply, target, environ, say, wanted)
    if reply.status in REFUSED and reply.has(MARK):
        say(why_refused(reply, target, "how it is doing"))
        return 1 if wanted.json or key else 0
    say(f"authproxy: the admin listener at {target.listen} answers {reply.status or 'nothing'}")
    return 1


def _say_report(
    reply: Reply,
    target: StatusTarget,
    environ: Mapping[str, str],
    say: Callable[[str], object],
    wanted: StatusWanted,
) -> int:
    from authproxy.commands import status_table

    text = printable(reply.body.decode("utf-8", "replace").rstrip())
    try:
        if wanted.json:
            status_table.read(text)
            say(text)
        else:
            status_table.show(text, say, at_terminal=wanted.at_terminal, environ=environ)
    except (ValueError, TypeError, LookupError, AttributeError):
        say(f"authproxy: what answers at {target.listen} is not an authproxy of this version")
        return 1
    return 0


def _say_ready(reply: Reply, say: Callable[[str], object]) -> int:
    """The lines as they came: what is not ready, and why."""
    if reply.status not in (200, 503) or reply.has(MARK):
        say(f"authproxy: the answer to /readiness is {reply.status or 'none'}")
        return 1
    say(printable(reply.body.decode("utf-8", "replace").rstrip()))
    return 0 if reply.status == 200 else 1


def chosen_key(environ: Mapping[str, str]) -> "Secret | None":
    """By the variable that the configuration has for it. Raises ValueError for what is no place of
    a key, or has none."""
    text = environ.get(KEY, "").strip()
    if not text:
        return None
    from authproxy.config.files.secrets import resolve_secret
    from authproxy.errors import StartError
    from authproxy.values import parse_local_secret_ref

    try:
        return resolve_secret(parse_local_secret_ref(text), environ)
    except (StartError, ValueError) as error:
        raise ValueError(f"environment: {KEY}: {error}") from None


def _ask_health(
    target: StatusTarget, environ: Mapping[str, str], say: Callable[[str], object], timeout_s: float
) -> int:
    """A listener for clients, by the path that says how all stands."""
    path = environ[HEALTH].strip()
    reply = ask(target.listen, path, in_tls=target.in_tls, timeout_s=timeout_s)
    if not (reply.has(b"x-authproxy-answer: healthy") or reply.has(MARK)):
        say(f"authproxy: nobody at {target.listen} says at {path} whether authproxy is ready")
        return 1
    is_ready = reply.status == 200
    say(f"authproxy at {target.listen} is {'ready' if is_ready else 'not ready'}")
    return 0 if is_ready else 1


def knock(target: StatusTarget, timeout_s: float) -> Reply:
    """Ask for a name that nobody has. Raises OSError."""
    return ask(
        target.listen,
        "/",
        host=PROBE_HOST,
        in_tls=target.in_tls,
        timeout_s=timeout_s,
        head_only=True,
    )


def _say_knock(
    reply: Reply, target: StatusTarget, say: Callable[[str], object], wanted: StatusWanted
) -> int:
    """Does authproxy answer at a listener for clients?"""
    if not reply.has(MARK):
        say(f"authproxy: something answers at {target.listen}, but it is not authproxy")
        return 1
    if wanted.json:
        say(f'{{"answers": true, "listener": "{target.listen}"}}')
    else:
        say(f"authproxy answers at {target.listen}")
    return 0
