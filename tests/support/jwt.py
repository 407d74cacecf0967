"""Identity tokens that nobody signed, for sources that do not verify."""

import base64
import json
import time
from typing import Any


def unsigned_jwt(*, life: float = 3600, **claims: Any) -> str:
    now = int(time.time())
    body = {"email": "me@x.example", "iat": now, "exp": now + life, **claims}
    return f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(body)}.c2ln"


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
