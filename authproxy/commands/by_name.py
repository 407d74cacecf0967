"""Cloud Run's services by name on the command line: which are meant, and where they are."""

from collections.abc import Mapping, Sequence

from authproxy.commands.choice import is_name
from authproxy.commands.identities import api_source_of
from authproxy.config.readers.egress_proxy import find_egress_for_tokens
from authproxy.config.readers.environment import COMMAND_LINE, WHERE
from authproxy.config.readers.service_names import split_name
from authproxy.errors import ConfigError, Problem
from authproxy.event_loop import run_to_end
from authproxy.identity.apis.client import GoogleApi
from authproxy.identity.apis.cloud_run import RunApi, located, lookup_name, read_addresses
from authproxy.identity.machine import Machine
from authproxy.identity.token_cache.single_flight import mint_once
from authproxy.settings import ServiceSettings, Settings
from authproxy.values import parse_project, parse_region

PLACES = {
    "project": (
        parse_project,
        ("AUTHPROXY_PROJECT", "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"),
    ),
    "region": (parse_region, ("AUTHPROXY_REGION", "CLOUDSDK_RUN_REGION")),
}
"""What a name needs besides, with the variables of gcloud and Google's libraries that say it."""


def spell_out(
    words: Sequence[str], given: Mapping[str, str | None], environ: Mapping[str, str]
) -> Sequence[str]:
    """`words`, with PROJECT/REGION/NAME for each NAME, if a project or a region is `given`.

    Our own variables give them too, but are no mistake where there is no name.
    Raises ConfigError.
    """
    is_given, has_names = any(given.values()), any(is_name(split_name(word)[1]) for word in words)
    is_ours = any(environ.get(variables[0]) for _, variables in PLACES.values())
    if not is_given and not (is_ours and has_names):
        return words
    problems: list[Problem] = []
    places = [find_place(kind, given.get(kind), environ, problems) for kind in PLACES]
    if not has_names:
        flag = next(f"--{kind}" for kind, value in given.items() if value)
        problems.append(_problem(flag, "is for services given by name, and there is none here"))
    if problems:
        raise ConfigError(problems)
    return [_spelled(word, "/".join(places)) for word in words]


def find_list(given: Mapping[str, object], environ: Mapping[str, str]) -> tuple[str, str | None]:
    """The project whose services are to be listed, and the region if it is one only.

    Raises ConfigError.
    """
    problems: list[Problem] = []
    project, region = (str(given[kind]) if given[kind] else None for kind in PLACES)
    found = find_place("project", project, environ, problems)
    only = find_place("region", region, environ, problems) if region else None
    if problems:
        raise ConfigError(problems)
    return found, only


def find_place(
    kind: str, given: str | None, environ: Mapping[str, str], problems: list[Problem]
) -> str:
    """The project or region `given`, else the environment's; `problems` gets what is wrong."""
    parse, variables = PLACES[kind]
    variable = next((name for name in variables if environ.get(name)), "")
    found = given or environ.get(variable, "")
    try:
        if found:
            return parse(found)
        says = f"is needed too, or {' or '.join(variables)} in the environment"
        problems.append(_problem(f"--{kind}", says))
    except ValueError as error:
        is_flag = bool(given)
        where, key = (COMMAND_LINE, f"--{kind}") if is_flag else (WHERE, variable)
        problems.append(Problem(where=where, key=key, message=str(error)))
    return ""


def locate(settings: Settings, names: Sequence[str], machine: Machine) -> Settings:
    """The settings, with the addresses of the services `names` looked up.

    Raises CredentialError or StartError.
    """
    services = dict(settings.services)
    for name in names:
        if services[name].is_nowhere:
            services[name] = run_to_end(look_up(services[name], settings, machine))
    return settings.model_copy(update={"services": services})


async def look_up(
    service: ServiceSettings, settings: Settings, machine: Machine
) -> ServiceSettings:
    """The service, with its address. Raises CredentialError or StartError."""
    assert service.service is not None  # noqa: S101 -- for the type checker: it is nowhere
    egress = find_egress_for_tokens(settings, machine.environ)
    source = api_source_of(service, settings, machine)
    api = RunApi(GoogleApi(source, machine.skew, egress=egress))
    name = lookup_name(service.service, service.tag)
    found = await mint_once(api, name, deadline_s=settings.timeouts.token)
    return located(service, read_addresses(found))


def _spelled(word: str, place: str) -> str:
    name, service = split_name(word)
    if not is_name(service):
        return word
    spelled = f"{place}/{service}"
    return spelled if name is None else f"{name}={spelled}"


def _problem(flag: str, message: str) -> Problem:
    return Problem(where=COMMAND_LINE, key=flag, message=message)
