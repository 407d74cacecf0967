"""`authproxy list`: the services of a project, and a configuration to paste."""

from collections import Counter
from collections.abc import Callable, Sequence

from authproxy.commands.identities import api_source_of
from authproxy.config.readers.egress_proxy import find_egress_for_tokens
from authproxy.identity.apis.client import GoogleApi
from authproxy.identity.apis.cloud_run import Listed, list_services
from authproxy.identity.machine import Machine
from authproxy.settings import Settings

Say = Callable[[str], object]


def run(
    settings: Settings,
    name: str,
    machine: Machine,
    *,
    project: str,
    region: str | None,
    say: Say,
    explain: Say,
) -> int:
    """Tell `say` what there is, as TOML with the addresses in comments, and `explain` the rest.

    The identity is that of the service `name`. Raises CredentialError or StartError.
    """
    egress = find_egress_for_tokens(settings, machine.environ)
    source = api_source_of(settings.services[name], settings, machine)
    api = GoogleApi(source, machine.skew, egress=egress)
    found = list_services(api, project, region)
    where = f"{project} in {region}" if region else project
    if not found:
        explain(f"there are no Cloud Run services in {where}")
        return 0
    say(as_toml(found))
    explain(
        f"{len(found)} in {where}; to use them, save the lines above in a file: authproxy -c FILE"
    )
    return 0


def as_toml(found: Sequence[Listed]) -> str:
    """A table for each service; those with the same name are told apart by their regions."""
    count = Counter(each.service.name for each in found)
    tables = []
    for each in found:
        service = each.service
        label = service.name if count[service.name] == 1 else f"{service.name}-{service.region}"
        at = f"  # {each.url}" if each.url else ""
        tables.append(f'[services.{label}]\nservice = "{service}"{at}')
    return "\n\n".join(tables)
