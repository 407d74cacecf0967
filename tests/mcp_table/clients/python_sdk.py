"""Drives the Python SDK, of either major version: run by the Python that has it.

It imports nothing of authproxy, since that is not installed there.
"""

# What it imports has two major versions, and is installed elsewhere.
# mypy: ignore-errors

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

import mcp
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client


def transport(kind: str, words: list[str]) -> Any:
    if kind == "stdio":
        import os

        parameters = StdioServerParameters(command=words[0], args=words[1:], env=dict(os.environ))
        return stdio_client(parameters)
    return sse_client(words[0]) if kind == "sse" else streamable_http_client(words[0])


class Client:
    """A session in a task of its own: what ends it is caught there."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.words: list[str] = []
        self.asked: asyncio.Queue[asyncio.Future[str]] = asyncio.Queue()

    async def do(self, what: str, *words: str) -> str:
        if what == "connect":
            self.words = list(words)
        return str(await getattr(self, what)())

    async def connect(self) -> str:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.asked = asyncio.Queue()
        self.task = asyncio.create_task(self.run(ready))  # noqa: TID251 -- no authproxy is here
        return await self.outcome(ready)

    async def close(self) -> str:
        self.task.cancel()
        await asyncio.wait([self.task])
        return "closed"

    async def call(self) -> str:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        await self.asked.put(answer)
        return await self.outcome(answer)

    async def outcome(self, future: "asyncio.Future[str]") -> str:
        await asyncio.wait([future, self.task], return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        error = self.task.exception()
        raise error if error is not None else RuntimeError("the session has ended")

    async def run(self, ready: "asyncio.Future[str]") -> None:
        async with AsyncExitStack() as stack:
            call = await self.enter(stack)
            ready.set_result("connected")
            while True:
                answer = await self.asked.get()
                try:
                    answer.set_result(text_of(await call("echo", {"text": "hello"})))
                except Exception as error:  # noqa: BLE001 -- it is handed on
                    answer.set_exception(error)

    async def enter(self, stack: AsyncExitStack) -> Any:
        way = transport(self.kind, self.words)
        if hasattr(mcp, "Client"):
            client = await stack.enter_async_context(mcp.Client(way))
            return client.call_tool
        streams = await stack.enter_async_context(way)
        session = await stack.enter_async_context(mcp.ClientSession(*streams[:2]))
        await session.initialize()
        return session.call_tool


def text_of(result: Any) -> str:
    text = "".join(getattr(part, "text", "") for part in result.content)
    if getattr(result, "isError", False) or getattr(result, "is_error", False):
        raise RuntimeError(text)
    return text


def words_of(error: BaseException) -> str:
    inner = getattr(error, "exceptions", None)
    if inner is not None:
        return " | ".join(map(words_of, inner))
    return f"{type(error).__name__}: {error}"


async def main() -> None:
    client = Client(sys.argv[1])
    print(json.dumps({"ok": True, "text": "ready"}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            said = {"ok": True, "text": await client.do(*line.split())}
        except BaseException as error:  # noqa: BLE001 -- that is what this is about
            said = {"ok": False, "text": words_of(error)}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
