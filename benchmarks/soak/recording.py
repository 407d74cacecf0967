"""The inspector under the load: it records everything, and says what of its bound that takes."""

import asyncio
import json
import secrets
import urllib.request
from dataclasses import dataclass, field

from benchmarks.processes import free_port

BODIES = "record_bodies = true\n"
_CONFIG = """admin = "127.0.0.1:{port}"
admin_key = "env:SOAK_ADMIN_KEY"
"""
_INSPECT = """[inspect]
record = "on"
"""


@dataclass(slots=True)
class Recording:
    """What is kept, as the proxy itself has it; bytes."""

    port: int = field(default_factory=free_port)
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    most: int = 0
    limit: int = 0

    @property
    def top(self) -> str:
        """For the top of the configuration."""
        return _CONFIG.format(port=self.port)

    @property
    def table(self) -> str:
        """For its end."""
        return _INSPECT

    @property
    def environment(self) -> dict[str, str]:
        return {"SOAK_ADMIN_KEY": self.key}

    async def look(self) -> None:
        """Raises OSError where nobody answers."""
        memory = await asyncio.to_thread(self._ask)
        self.limit = memory["limit"]
        self.most = max(self.most, memory["used"])

    def _ask(self) -> dict[str, int]:
        url = f"http://127.0.0.1:{self.port}/api/exchanges?limit=1"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- http alone
            found: dict[str, int] = json.load(answer)["memory"]
            return found
