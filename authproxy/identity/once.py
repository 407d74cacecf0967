"""One token, now, for commands that fetch one and end."""

import asyncio

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.scrub import unforeseen
from authproxy.identity.source import Source
from authproxy.threads import in_thread


async def mint_once(source: Source, audience: str, *, deadline_s: float) -> Token:
    """Raises CredentialError. What has not answered by the deadline is left to itself."""
    try:
        async with asyncio.timeout(deadline_s):
            return await in_thread(source.mint, audience, name=f"mint-{source.name}")
    except CredentialError:
        raise
    except TimeoutError:
        raise CredentialError(
            f"{source.name} has not answered within {deadline_s:g} seconds",
            hint="Is the network slow or cut?",
        ) from None
    except Exception as error:  # noqa: BLE001 -- a source that breaks its word is told of, in a line
        raise unforeseen(source.name, error) from None
