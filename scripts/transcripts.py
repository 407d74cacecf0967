"""The page docs/transcripts.md: every command as a newcomer tries it. --write makes it anew.

Each line is run by a shell of its own against the pretend Google, in an empty home, and what came
of it stands below the line. What differs from run to run (ports, times, keys, places) is replaced
by the same words each time, so that a transcript that is no longer true shows as a difference.
"""

import asyncio
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from authproxy import __version__
from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.run_api import Described
from authproxy.demo.world import World

PAGE = Path(__file__).parents[1] / "docs" / "transcripts.md"
BEGIN = """\
# Every command, as a newcomer tries it

Written by `scripts/transcripts.py --write`, which runs each line against the pretend Google of
`authproxy demo`; a test fails when one is no longer true. `https://localhost:8443` stands for the
address of a Cloud Run service. At a terminal there are colours, lines around tables, and the
address of the inspector besides. Times, ports, keys and places are always the same words; of the
log, which stands where Ctrl-C ends a command that goes on, what it says of tokens is left out.
"""
TOOLS = ("bash", "cat", "curl", "cut", "head", "sh")
"""All that a line may use besides authproxy: in particular, there is no gcloud."""
PATIENCE_S = 30.0

SERVICE = '[services.hello]\nurl = "https://localhost:8443"\n'
FILES = {
    "authproxy.toml": f'listen = "localhost:8080"\nadmin = "localhost:4040"\n\n{SERVICE}',
    "wrong.toml": 'lisen = "localhost:8080"\n\n[services.hello]\nurl = "localhost:8443"\n',
    "keys.toml": 'listen = "localhost:8080"\n\n[keys.ci]\nfile = "ci.key"\n\n' + SERVICE,
    "gateway.toml": 'trusted_proxies = ["127.0.0.1"]\n\n[authorizer]\nlisten = "127.0.0.1:9191"\n\n'
    + SERVICE,
    "ci.key": "apk_of_ci_in_this_transcript_0000\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line at the prompt."""

    line: str
    until: str = ""
    """It goes on after this has been said, until the section ends; then Ctrl-C ends it."""
    offline: bool = False
    """On a machine without any credentials, and where Google does not answer."""
    shows_log: bool = True
    """What it says when it ends is shown."""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    intro: str
    steps: Sequence[Step] = field(default_factory=list)


def do(*lines: str) -> list[Step]:
    return [Step(line=line) for line in lines]


def going_on(line: str, until: str = "^authproxy: http", *, shows_log: bool = True) -> list[Step]:
    return [Step(line=line, until=until, shows_log=shows_log)]


SECTIONS = (
    Section(
        "run",
        "One address is all that it takes. Ctrl-C ends it; the log comes between.",
        [
            *do("authproxy --version", "authproxy"),
            *going_on("authproxy https://localhost:8443"),
            *do("curl -s http://localhost:8080/whoami", "curl -s http://localhost:8080/nowhere"),
        ],
    ),
    Section(
        "run: mistakes on the command line",
        "",
        do(
            "authproxy --lisen 9000 https://localhost:8443",
            "authproxy run",
            "authproxy doktor",
            "authproxy localhost:8443",
            "authproxy --credentials gclod https://localhost:8443",
            "authproxy --api-key my-own-key https://localhost:8443",
            "authproxy -c nowhere.toml",
        ),
    ),
    Section(
        "run: a port in use",
        "",
        [*going_on("authproxy https://localhost:8443"), *do("authproxy https://localhost:8443")],
    ),
    Section(
        "run: no credentials on this machine",
        "It starts all the same, since they may come; requests hear why not.",
        [
            Step(line="authproxy https://localhost:8443", until="get 503", offline=True),
            *do("curl -s http://localhost:8080/whoami"),
        ],
    ),
    Section(
        "run: a service that is down",
        "",
        [
            *going_on("authproxy http://localhost:9999"),
            *do("curl -s http://localhost:8080/"),
        ],
    ),
    Section(
        "run: keys",
        "`ci.key` has the key of the caller `ci`.",
        [
            *do("cat keys.toml"),
            *going_on("authproxy -c keys.toml"),
            *do(
                "curl -s http://localhost:8080/whoami",
                "curl -s -H 'X-Api-Key: a-wrong-one' http://localhost:8080/whoami",
                'curl -s -H "X-Api-Key: $(cat ci.key)" http://localhost:8080/whoami',
            ),
        ],
    ),
    Section(
        "demo",
        "Its log is left out.",
        [
            *going_on("authproxy demo", until="authproxy status$", shows_log=False),
            *do("curl -s http://localhost:8080/whoami"),
        ],
    ),
    Section(
        "check",
        "",
        [
            *do("cat authproxy.toml", "authproxy check -c authproxy.toml"),
            *do("cat wrong.toml", "authproxy check -c wrong.toml"),
            *do("authproxy check", "authproxy check --json https://localhost:8443 | head -n 12"),
        ],
    ),
    Section(
        "status, tail and check --running",
        "They ask the authproxy that runs here, at its admin listener. Its log is left out.",
        [
            *do("authproxy status localhost:9999", "authproxy tail localhost:9999"),
            *going_on(
                "authproxy --inspect -c authproxy.toml", until="^authproxy: admin", shows_log=False
            ),
            *do(
                "curl -s http://localhost:8080/whoami",
                "authproxy status",
                "authproxy status --json | head -n 5",
                "authproxy check --running -c authproxy.toml",
                "authproxy check --running -c keys.toml",
            ),
            *going_on("authproxy tail", until="/whoami"),
        ],
    ),
    Section(
        "doctor",
        "",
        [
            *do("authproxy doctor https://localhost:8443"),
            Step(line="authproxy doctor https://localhost:8443", offline=True),
            *do("authproxy doctor http://localhost:9999"),
        ],
    ),
    Section(
        "token",
        "The token itself is a secret, so its beginning must do here.",
        [
            *do(
                "authproxy token https://localhost:8443 | cut -c 1-10",
                "authproxy token --header https://localhost:8443 | cut -c 1-32",
                "authproxy token --decode https://localhost:8443",
                "authproxy token --key ci -c keys.toml hello | cut -c 1-10",
                "authproxy token --key cl -c keys.toml hello",
                "authproxy token",
            ),
            Step(line="authproxy token https://localhost:8443", offline=True),
        ],
    ),
    Section(
        "exec",
        "",
        do(
            "authproxy exec https://localhost:8443 -- curl -s {url}/whoami",
            "authproxy exec https://localhost:8443 --env API -- sh -c 'curl -s $API/whoami'",
            "authproxy exec https://localhost:8443 -- sh -c 'exit 7'; echo $?",
            "authproxy exec https://localhost:8443 -- crul {url}",
            "authproxy exec https://localhost:8443",
            "authproxy exec http://localhost:9999 -- curl -s {url}/whoami",
        ),
    ),
    Section(
        "mcp",
        "A client starts it and speaks JSON-RPC to it; this prints what to paste into the client.",
        do(
            "authproxy mcp --print-config claude-code https://hello-abc123-ew.a.run.app",
            "authproxy mcp --print-config emacs https://localhost:8443",
        ),
    ),
    Section(
        "export",
        "",
        [
            *do("cat gateway.toml", "authproxy export nginx -c gateway.toml | head -n 2"),
            *do(
                "authproxy export nginx -c gateway.toml --listen unix:/run/a.sock",
                "authproxy export apache",
            ),
        ],
    ),
    Section("key", "", do("authproxy key ci", "authproxy key --sha256 < ci.key")),
    Section(
        "list, config and login",
        "",
        [
            *do(
                "authproxy list --project acme-prod",
                "authproxy list",
                "authproxy config init --project acme-prod new.toml",
                "head -n 20 new.toml",
                "authproxy config init new.toml",
                "authproxy config schema | head -n 5",
                "authproxy login",
            ),
            Step(line="authproxy list --project acme-prod", offline=True),
        ],
    ),
    Section(
        "completion",
        "",
        do("authproxy completion bash | head -n 5", "authproxy completion tcsh"),
    ),
)


class Machine:
    """An empty home on a machine where the pretend Google is Google."""

    def __init__(self, world: World, home: Path) -> None:
        self._home = home
        port, admin, nobody = free_ports(3)
        self._real = {
            "https://localhost:8443": world.url,
            "localhost:8443": world.url.removeprefix("https://"),
            "localhost:8080": f"localhost:{port}",
            "localhost:4040": f"localhost:{admin}",
            "localhost:9999": f"localhost:{nobody}",
        }
        self._shown = {
            str(home): "/home/you",
            str(world.directory): "/tmp/world",
            **{real: shown for shown, real in self._real.items()},
            f"127.0.0.1:{port}": "127.0.0.1:8080",
            f"port {port}": "port 8080",
            f"127.0.0.1:{admin}": "127.0.0.1:4040",
            f"'127.0.0.1', {nobody}": "'127.0.0.1', 9999",
            f"127.0.0.1:{world.google.connect_proxy.port}": "127.0.0.1:3128",
            f"{sys.executable} -m authproxy.": "python3 -m authproxy.",
            f"{sys.executable} -m authproxy": "authproxy",
            __version__: "VERSION",
        }
        self._environ = {
            "PATH": str(home / "bin"),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(home),
            "SSL_CERT_FILE": str(world.ca_file),
            **world.environment,
        }
        self._going_on: list[tuple[asyncio.subprocess.Process, Step]] = []
        self._prepare()

    def _prepare(self) -> None:
        programs = self._home / "bin"
        programs.mkdir()
        for name in TOOLS:
            found = shutil.which(name)
            if found is None:
                raise SystemExit(f"{name} is needed")
            (programs / name).symlink_to(found)
        ours = programs / "authproxy"
        ours.write_text(f'#!/bin/sh\nexec {sys.executable} -m authproxy "$@"\n')
        ours.chmod(0o755)
        for name, text in FILES.items():
            file = self._home / name
            file.write_text(self._as_is(text))
            file.chmod(0o600)

    def _as_is(self, text: str) -> str:
        for shown, real in self._real.items():
            text = text.replace(shown, real)
        return text

    def _as_shown(self, text: str) -> str:
        for real, shown in self._shown.items():
            text = text.replace(real, shown)
        return replaced(text)

    async def play(self, section: Section) -> str:
        parts = [f"## {section.title}\n"]
        if section.intro:
            parts.append(f"{section.intro}\n")
        try:
            parts += [await self._do(step) for step in section.steps]
        finally:
            parts += [await self._end(*each) for each in reversed(self._going_on)]
        return "\n".join(parts)

    async def _do(self, step: Step) -> str:
        process = await asyncio.create_subprocess_exec(
            *(
                "bash",
                "-c",
                f"exec {self._as_is(step.line)}" if step.until else self._as_is(step.line),
            ),
            cwd=self._home,
            env=self._environment(step),
            stdin=subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        said = ""
        async with asyncio.timeout(PATIENCE_S):
            while line := await process.stdout.readline():
                said += line.decode()
                if step.until and re.search(step.until, said, re.MULTILINE):
                    self._going_on.append((process, step))
                    break
            else:
                await process.wait()
        return block(f"$ {step.line}\n{self._as_shown(said)}")

    def _environment(self, step: Step) -> dict[str, str]:
        """What the page does not show; nothing that could be, so that the messages are true."""
        found = self._environ | (OFFLINE if step.offline else {})
        if step.until:
            found["AUTHPROXY_LOG_FORMAT"] = "text"
        if TAKES_PORT.match(step.line):
            found["PORT"] = self._real["localhost:8080"].partition(":")[2]
        return found

    async def _end(self, process: asyncio.subprocess.Process, step: Step) -> str:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE_S):
            said, _ = await process.communicate()
        log = self._as_shown(said.decode() if step.shows_log else "").splitlines(keepends=True)
        return block("^C\n" + "".join(line for line in log if not OF_TOKENS.match(line)))


TAKES_PORT = re.compile("authproxy (https?:|demo)")
OFFLINE = {
    "GCE_METADATA_HOST": "127.0.0.1:9",
    "GCE_METADATA_IP": "127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}

VARIES = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-01-01T12:00:00Z"),
    (r"\b\d\d:\d\d:\d\d\b", "12:00:00"),
    (r" +\d+(\.\d+)? ?m?s +(\d+ B) ", r"       5ms      \2 "),
    (r"\b\d+(\.\d+)? ?ms\b", "5ms"),
    (r" \((pure|compiled)\)", ""),
    (r"\b\d+B\b", "99B"),
    (r"issued \d+ s ago, \d+ s left", "issued 1 s ago, 3599 s left"),
    (r"next try in [\d.]+ s", "next try in 1.0 s"),
    (r"good for \d.*", "good for 59 min"),
    (r"fresh, \d+ min", "fresh, 59 min"),
    (r"  \d\.\d  ", "  0.1  "),
    (r"\btoken [0-9a-f]{8}\b", "token c0ffee00"),
    (r"good until [A-Z][a-z]{2} .*", "good until Jan 31 12:00:00 2026 GMT"),
    (r"admin: http://127.0.0.1:\d+", "admin: http://127.0.0.1:4040"),
    (r"https://localhost:\d{5}", "https://localhost:8443"),
    (r"/tmp/authproxy-demo-\w+", "/tmp/world"),
    (r'"\d{21}"', '"123456789012345678901"'),
    (r"\b[0-9a-f]{6}-(\d+)\b", r"c0ffee-\1"),
    (r"\bapk_[A-Za-z0-9_-]{40,}", "apk_THE-KEY-THAT-IS-PRINTED-ONCE"),
    (r"\b[0-9a-f]{64}\b", "ITS-SHA-256"),
    (r'("(?:iat|exp|nbf)": )\d+', r"\g<1>1767268800"),
)
"""What differs from run to run, and what stands for it."""


OF_TOKENS = re.compile(r"\d\d:\d\d:\d\d (credentials:|token for|cannot connect yet:)")
"""Lines of the log that come when they come."""


def replaced(text: str) -> str:
    for pattern, words in VARIES:
        text = re.sub(pattern, words, text)
    return text


def block(text: str) -> str:
    """As Markdown shows what stands at a terminal."""
    return "".join(f"    {line}".rstrip() + "\n" for line in text.splitlines())


def free_ports(count: int) -> list[int]:
    """Free in both families of addresses a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


async def transcript(section: Section) -> str:
    """One section, as it is today."""
    with tempfile.TemporaryDirectory() as folder:
        async with World(token_life_s=3600) as world:
            api = world.google.run_api
            api.viewers.add(METADATA_EMAIL)
            for name in ("billing", "hello"):
                address = f"https://{name}-abc123-ew.a.run.app"
                api.services["acme-prod", "europe-west1", name] = Described(urls=[address])
            return await Machine(world, Path(folder)).play(section)


async def page() -> str:
    return "\n".join([BEGIN, *[await transcript(section) for section in SECTIONS]])


if __name__ == "__main__":
    text = asyncio.run(page())
    if "--write" in sys.argv:
        PAGE.write_text(text)
    sys.exit(not PAGE.exists() or text != PAGE.read_text())
