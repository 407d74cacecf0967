"""Mints one token in a process of its own: google-auth reads GCE_METADATA_HOST when imported.

python -m tests.support.mint SOURCE AUDIENCE [IMPERSONATE [DELEGATE …]]
"""

import asyncio
import json
import logging
import os
import sys
import time
from typing import Any

from authproxy.demo.world import World
from authproxy.errors import CredentialError
from authproxy.identity.machine import Machine
from authproxy.identity.sources.build import build_source
from authproxy.values import parse_credentials
from tests.support.secrecy import overhear


async def mint_apart(world: World, spec: str, *impersonate: str, **environ: str) -> dict[str, Any]:
    """What a mint in another process gives; `environ` goes on top of the world's."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.mint",
        spec,
        world.url,
        *impersonate,
        env={**os.environ, "HOME": str(world.directory), **world.environment, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    overhear("result of a mint", output.decode())
    overhear("log of a mint", errors.decode())
    assert process.returncode == 0, errors.decode()
    result: dict[str, Any] = json.loads(output)
    return {**result, "log": errors.decode().splitlines()}


def main(spec: str, audience: str, *impersonate: str) -> None:
    logging.basicConfig(level=logging.DEBUG, format="%(name)s %(levelname)s %(message)s")
    logging.getLogger("urllib3").setLevel(logging.INFO)
    started_at = time.monotonic()
    try:
        source = build_source(
            parse_credentials(spec),
            impersonate=impersonate[0] if impersonate else None,
            delegates=impersonate[1:],
            machine=Machine(os.environ),
            scopes=os.environ.get("SCOPES", "").split(),
        )
        token = source.mint(audience)
    except CredentialError as error:
        result = {"error": error.message, "hint": error.hint, "permanent": error.permanent}
    else:
        result = {"principal": token.principal, "audience": token.audience, "source": token.source}
    json.dump({**result, "took_s": time.monotonic() - started_at}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
