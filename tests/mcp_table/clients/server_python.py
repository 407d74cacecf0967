"""An MCP server on the Python SDK or on fastmcp: run by the Python that has it.

argv: `sdk` or `fastmcp`, `http` or `sse`, the port.
"""

# What it imports has two major versions, and is installed elsewhere.
# mypy: ignore-errors

import sys
from typing import Any


def make(kind: str) -> Any:
    if kind == "fastmcp":
        from fastmcp import FastMCP

        return FastMCP("table")
    try:
        from mcp.server import MCPServer
    except ImportError:
        from mcp.server.fastmcp import FastMCP as MCPServer
    return MCPServer("table")


def main() -> None:
    kind, transport, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    server = make(kind)

    @server.tool()
    def echo(text: str) -> str:
        """Say it again."""
        return text

    name = "sse" if transport == "sse" else "http" if kind == "fastmcp" else "streamable-http"
    if kind == "fastmcp":
        server.run(transport=name, host="127.0.0.1", port=port, show_banner=False)
    elif hasattr(server, "settings") and hasattr(server.settings, "port"):
        server.settings.host, server.settings.port = "127.0.0.1", port
        server.run(transport=name)
    else:
        server.run(transport=name, host="127.0.0.1", port=port)


if __name__ == "__main__":
    main()
