"""Text that `authproxy demo` prints: commands to paste, each of which works as it stands."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PATHS = {
    "whoami": "/whoami",
    "echo": "/echo?a=1",
    "clock": "/clock",
    "upload": "/upload",
    "download": "/download?bytes=67108864",
}
PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")

TEXT = """
A pretend Cloud Run service is up at {service}. It requires a Google identity token.
authproxy is in front of it at {shown}. Stop both with Ctrl-C.

  without a token the service refuses (403)
    {curl} -i --cacert {ca_file} {service}/whoami
  through authproxy it answers (200)
    {through} -i {whoami}
{in_browser}  what reaches the service
    {through} {echo}
  over HTTP/2, as gRPC does: demo.Echo and grpc.health.v1.Health can be called
    {through} --http2-prior-knowledge -i {whoami}
  server-sent events, one a second
    {through} -N {clock}
{websocket}  64 MiB up, and down
    head -c 67108864 /dev/zero | {through} -T - {upload}
    {through} -o /dev/null {download}
  tokens live {life} s here: watch them being replaced in time
    while sleep 5; do {through} -sS {whoami} || break; done
  look on from another terminal: the inspector in a browser, a line for each request, a table
    {authproxy} status --open
    {authproxy} tail
    {authproxy} status

"""

IN_BROWSER = """\
  the same in a browser
    {base}/
"""
WEBSOCKET = """\
  a WebSocket that echoes
    echo hello | {python} -m authproxy.demo.talk {ws}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """Addresses of the demo, and commands in this user's shell."""

    service: str
    ca_file: Path
    token_life_s: int
    environ: Mapping[str, str]
    """The user's own, before the demo changed it."""

    def text(self, listeners: Sequence[str]) -> str:
        """For the URLs or `unix:PATH`s that authproxy listens on."""
        shown = _best(listeners)
        on_tcp = not shown.startswith("unix:")
        base = shown if on_tcp else "http://localhost"
        curl, socket = self._curl(), shlex.quote(shown.removeprefix("unix:"))
        words = {name: shlex.quote(base + path) for name, path in PATHS.items()} | {
            "base": base,
            "service": self.service,
            "shown": shown,
            "life": str(self.token_life_s),
            "ca_file": shlex.quote(str(self.ca_file)),
            "curl": curl,
            "through": curl if on_tcp else f"{curl} --unix-socket {socket}",
            "authproxy": f"{shlex.quote(sys.executable)} -m authproxy",
            "python": shlex.quote(sys.executable),
            "ws": shlex.quote(base.replace("http://", "ws://") + "/ws"),
        }
        on_tcp_only = {"in_browser": IN_BROWSER, "websocket": WEBSOCKET}
        parts = {name: part.format(**words) * on_tcp for name, part in on_tcp_only.items()}
        return TEXT.format(**words, **parts)

    def _curl(self) -> str:
        """A proxy that the user's shell names must not get these requests."""
        if any(self.environ.get(name) for name in PROXY_VARIABLES):
            return "curl --noproxy '*'"
        return "curl"


def _best(listeners: Sequence[str]) -> str:
    """A TCP listener if there is one."""
    return next((url for url in listeners if not url.startswith("unix:")), listeners[0])
