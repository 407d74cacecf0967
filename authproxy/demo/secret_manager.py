"""The pretend Secret Manager: one method, which reads a version of a secret."""

import base64

from aiohttp import web

from authproxy.demo.accounts import CLOUD_PLATFORM, Accounts
from authproxy.demo.iam import check_caller, rpc_error

PATH = "/v1/projects/{project}/secrets/{secret}/versions/{version}:access"


class PretendSecretManager:
    """`GET …:access`. Who reads must be in `readers`."""

    def __init__(self, accounts: Accounts) -> None:
        self.readers: set[str] = set()
        self.disabled: set[str] = set()
        """Whole names of versions."""
        self.is_enabled = True
        """Whether the project uses the API."""
        self._accounts = accounts
        self._values: dict[str, list[bytes]] = {}

    def add_version(self, name: str, value: bytes) -> None:
        """`name` is `projects/P/secrets/S`; versions count from 1."""
        self._values.setdefault(name, []).append(value)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        caller = check_caller(self._accounts, request, {CLOUD_PLATFORM})
        if isinstance(caller, web.Response):
            return caller
        part = request.match_info
        name = f"projects/{part['project']}/secrets/{part['secret']}"
        if not self.is_enabled:
            return _not_enabled(part["project"])
        if caller.account.email not in self.readers:
            return _denied(f"{name}/versions/{part['version']}")
        versions = self._values.get(name, [])
        number = len(versions) if part["version"] == "latest" else _number(part["version"])
        if not 0 < number <= len(versions):
            text = f"Secret [{name}] not found or has no versions."
            return rpc_error(404, "NOT_FOUND", text)
        whole = f"{name}/versions/{number}"
        if whole in self.disabled:
            text = f"Secret Version [{whole}] is in DISABLED state."
            return rpc_error(400, "FAILED_PRECONDITION", text)
        data = base64.b64encode(versions[number - 1]).decode()
        return web.json_response({"name": whole, "payload": {"data": data}})


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else 0


def _denied(version: str) -> web.Response:
    text = (
        f"Permission 'secretmanager.versions.access' denied for resource '{version}' (or it may"
        " not exist)."
    )
    return rpc_error(403, "PERMISSION_DENIED", text)


def _not_enabled(project: str) -> web.Response:
    text = f"Secret Manager API has not been used in project {project} before or it is disabled."
    return rpc_error(403, "PERMISSION_DENIED", text)
