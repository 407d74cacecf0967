"""Autobahn's WebSocket cases, directly at an echo server and through authproxy, side by side.

    WSTEST=path/to/wstest python -m fuzz.autobahn [FOLDER]

The suite says of every case how the server behaved. Through authproxy it must say the same.
`wstest` is in the package `autobahntestsuite`, which needs Python 2.7.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections import Counter
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.support.proxying import proxying

BIGGEST = 20 * 1024 * 1024
VERDICTS = ("behavior", "behaviorClose")


async def echo(socket: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in socket:
            await socket.send(message)


def specification(folder: Path, urls: dict[str, str]) -> Path:
    path = folder / "fuzzingclient.json"
    agents = [{"agent": agent, "url": url} for agent, url in urls.items()]
    spec = {"outdir": str(folder), "servers": agents, "cases": ["*"], "exclude-cases": []}
    path.write_text(json.dumps(spec))
    return path


async def run_suite(folder: Path) -> None:
    async with serve(echo, "127.0.0.1", 0, max_size=BIGGEST) as server:
        port = server.sockets[0].getsockname()[1]
        async with proxying(f"http://127.0.0.1:{port}") as proxy:
            urls = {
                "direct": f"ws://127.0.0.1:{port}",
                "authproxy": f"ws://127.0.0.1:{proxy.port}",
            }
            wstest = os.environ.get("WSTEST", "wstest")
            spec = specification(folder, urls)
            process = await asyncio.create_subprocess_exec(
                *(wstest, "--mode", "fuzzingclient", "--spec", str(spec))
            )
            await process.wait()


def compare(folder: Path) -> int:
    """Say what the suite says; how many cases differ."""
    found = json.loads((folder / "index.json").read_text())
    for agent, cases in found.items():
        for what in VERDICTS:
            counts = Counter(case[what] for case in cases.values())
            print(f"{agent}, {what}: {dict(counts)}")
    different = [
        name
        for name, case in found["direct"].items()
        if any(case[what] != found["authproxy"][name][what] for what in VERDICTS)
    ]
    print(f"{len(found['direct'])} cases, {len(different)} differ: {' '.join(different)}")
    return len(different)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "fuzz/.cache/autobahn")
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(run_suite(folder))
    sys.exit(1 if compare(folder) else 0)


if __name__ == "__main__":
    main()
