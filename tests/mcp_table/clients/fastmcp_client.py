"""Drives fastmcp's client, of either major version: run by the Python that has it."""

# What it imports has two major versions, and is installed elsewhere.
# mypy: ignore-errors

import asyncio
import json
import os
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import SSETransport, StdioTransport, StreamableHttpTransport


def transport(kind: str, words: list[str]) -> Any:
    if kind == "stdio":
        return StdioTransport(command=words[0], args=words[1:], env=dict(os.environ))
    return SSETransport(words[0]) if kind == "sse" else StreamableHttpTransport(words[0])


async def do(clients: list[Any], kind: str, what: str, *words: str) -> str:
    if what == "connect":
        clients[:] = [Client(transport(kind, list(words)))]
        await clients[0].__aenter__()
        return "connected"
    if what == "close":
        await clients.pop().__aexit__(None, None, None)
        return "closed"
    result = await clients[0].call_tool("echo", {"text": "hello"})
    return "".join(getattr(part, "text", "") for part in result.content)


async def main() -> None:
    clients: list[Any] = []
    print(json.dumps({"ok": True, "text": "ready"}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            said = {"ok": True, "text": await do(clients, sys.argv[1], *line.split())}
        except BaseException as error:  # noqa: BLE001 -- that is what this is about
            said = {"ok": False, "text": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
