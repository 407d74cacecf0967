"""Which clients and servers there are, and what each is run by."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

VENVS = {
    "1": ["mcp==1.30.0", "fastmcp==3.4.11"],
    "2": ["mcp==2.3.0", "fastmcp==4.2.3"],
}
"""Python packages, by the folder that they are installed into: those of one go together."""
NODE = [
    "@modelcontextprotocol/sdk@1.32.2",
    "@modelcontextprotocol/client@2.4.0",
    "@modelcontextprotocol/server@2.4.0",
    "@modelcontextprotocol/inspector@2.12.0",
    "mcp-remote@0.15.1",
]

Transport = Literal["http", "sse", "stdio"]
CLIENTS = Path(__file__).parent / "clients"


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything is installed."""

    folder: Path

    def python(self, venv: str) -> str:
        return str(self.folder / venv / "bin" / "python")

    def node(self, package: str) -> str:
        """A file of a package."""
        return str(self.folder / "node" / "node_modules" / package)

    def script(self, name: str) -> str:
        """One that finds the packages beside itself."""
        return str(self.folder / "node" / name)


@dataclass(frozen=True, slots=True)
class ClientKind:
    name: str
    transports: tuple[Transport, ...] = ("http", "stdio")

    def command(self, place: Place, transport: Transport) -> list[str]:
        """What drives it."""
        sdk, fastmcp = str(CLIENTS / "python_sdk.py"), str(CLIENTS / "fastmcp_client.py")
        node = ["node", place.script("typescript.mjs")]
        inspector = place.node("@modelcontextprotocol/inspector/clients/launcher/build/index.js")
        return {
            "mcp 1.30": [place.python("1"), sdk, transport],
            "fastmcp 3.4": [place.python("1"), fastmcp, transport],
            "mcp 2.3": [place.python("2"), sdk, transport],
            "fastmcp 4.2": [place.python("2"), fastmcp, transport],
            "sdk 1.32": [*node, "sdk", transport],
            "client 2.4": [*node, "client", transport],
            "mcp-remote": [place.python("2"), sdk, "stdio"],
            "inspector": [
                *(place.python("2"), str(CLIENTS / "inspector.py"), transport),
                *("node", inspector),
            ],
        }[self.name]

    def words(self, place: Place, given: list[str]) -> list[str]:
        """What it is to connect to."""
        remote = ["node", place.node("mcp-remote/dist/proxy.js")]
        return [*remote, *given] if self.name == "mcp-remote" else given


ALL_CLIENTS = [
    ClientKind("mcp 1.30"),
    ClientKind("fastmcp 3.4"),
    ClientKind("mcp 2.3"),
    ClientKind("fastmcp 4.2"),
    ClientKind("sdk 1.32"),
    ClientKind("client 2.4"),
    ClientKind("mcp-remote", ("http",)),
    ClientKind("inspector"),
]


@dataclass(frozen=True, slots=True)
class ServerKind:
    name: str
    transports: tuple[Transport, ...] = ("http", "sse")

    def command(self, place: Place, transport: Transport, port: int) -> list[str]:
        python, node = str(CLIENTS / "server_python.py"), place.script("server_typescript.mjs")
        begin = {
            "mcp 1.30": [place.python("1"), python, "sdk"],
            "fastmcp 3.4": [place.python("1"), python, "fastmcp"],
            "mcp 2.3": [place.python("2"), python, "sdk"],
            "fastmcp 4.2": [place.python("2"), python, "fastmcp"],
            "sdk 1.32": ["node", node, "sdk"],
            "server 2.4": ["node", node, "server"],
        }[self.name]
        return [*begin, transport, str(port)]


ALL_SERVERS = [
    ServerKind("mcp 1.30"),
    ServerKind("fastmcp 3.4"),
    ServerKind("mcp 2.3"),
    ServerKind("fastmcp 4.2"),
    ServerKind("sdk 1.32"),
    ServerKind("server 2.4", ("http",)),
]
