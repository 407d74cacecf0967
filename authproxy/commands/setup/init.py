"""`authproxy config init`: a first configuration, with the services that are found."""

import os
from collections.abc import Callable
from pathlib import Path

from authproxy.commands.by_name import PLACES
from authproxy.commands.identities import api_source_of
from authproxy.commands.list import as_toml
from authproxy.config.readers.egress_proxy import find_egress_for_tokens
from authproxy.errors import AuthProxyError, CredentialError, StartError
from authproxy.identity.apis.client import GoogleApi
from authproxy.identity.apis.cloud_run import Listed, list_services
from authproxy.identity.machine import Machine
from authproxy.settings import Settings
from authproxy.values import parse_project

MODE = 0o600
GCLOUD_S = 20.0

Find = Callable[[], list[Listed]]
"""The services of a project. Raises AuthProxyError or StartError."""

_HEAD = """\
#:schema ./authproxy.schema.json
# A configuration of authproxy. For editors: authproxy config schema > authproxy.schema.json
#
#     authproxy check -c {name}    says what is wrong, or what would run
#     authproxy -c {name}          runs it
#
# docs/configuration.md has every setting; those below are the usual ones, with their defaults.

# Where clients connect.
#listen = ["localhost:8080"]

# Clients that may connect. An address of `listen` that other machines can reach needs it.
#allow = ["127.0.0.0/8", "::1/128"]
"""
_EXAMPLE = """
# {why}
# For each service a table, with a name of your choice:
#[services.hello]
#url = "https://hello-abc123-ew.a.run.app"
# or by Cloud Run's name for it: service = "PROJECT/REGION/hello"
"""
_TAIL = """
# For each of them you may add:
#credentials = "auto"          # where tokens come from: authproxy doctor says what is found
#impersonate = "caller@my-project.iam.gserviceaccount.com"
#methods = "read-only"         # GET, HEAD and OPTIONS alone
#paths = ["/api"]              # and nothing else
"""


def find_text(path: Path, project: str, find: Find) -> str:
    """The whole file. Without `project`, and where nothing is found, it says why, and how."""
    head = _HEAD.format(name=path.name)
    if not project:
        why = "No project is known, so no services were looked for: --project P, or gcloud config"
        return head + _EXAMPLE.format(why=f"{why} set project P.") + _TAIL
    try:
        found = find()
    except (AuthProxyError, StartError) as error:
        why = " ".join(str(error).split())
        return head + _EXAMPLE.format(why=f"{project} could not be asked: {why}") + _TAIL
    if not found:
        return head + _EXAMPLE.format(why=f"There are no Cloud Run services in {project}.") + _TAIL
    return f"{head}\n# The services of {project}.\n{as_toml(found)}\n{_TAIL}"


def write(path: Path, text: str) -> None:
    """A new file, for its owner alone. Raises StartError, also if there is one already."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, flags, MODE), "w") as file:
            file.write(text)
    except FileExistsError:
        raise StartError(
            f"{path} is there already, and stays as it is",
            hint=f"Give another name: authproxy config init other.toml; or look at {path} first.",
        ) from None
    except OSError as error:
        raise StartError(f"cannot write {path}: {error.strerror}") from None


def find_project(given: str | None, machine: Machine) -> str:
    """The project that is meant: the flag's, the environment's, or gcloud's; empty: none."""
    _, variables = PLACES["project"]
    found = given or next(filter(None, map(machine.environ.get, variables)), "")
    if found:
        return parse_project(found)
    try:
        said = machine.programs.run(
            ["gcloud", "config", "get-value", "project"],
            environ=machine.environ,
            timeout_s=GCLOUD_S,
            name="gcloud",
        )
        return parse_project(said.output.strip()) if said.code == 0 else ""
    except (CredentialError, ValueError):
        return ""


def find_services(settings: Settings, name: str, machine: Machine, project: str) -> list[Listed]:
    """As `authproxy list`. Raises AuthProxyError or StartError."""
    source = api_source_of(settings.services[name], settings, machine)
    egress = find_egress_for_tokens(settings, machine.environ)
    return list_services(GoogleApi(source, machine.skew, egress=egress), project, None)
