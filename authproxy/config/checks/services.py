"""Checks of names, hosts and paths that lead to services, and of settings without use."""

from collections.abc import Iterator, Sequence

from authproxy.config.checks.draft import Draft
from authproxy.config.readers.setting_names import Path
from authproxy.errors import Problem
from authproxy.settings import ServiceSettings
from authproxy.values import EgressSpec, Origin, find_slip, parse_egress_url
from authproxy.values.hosts import is_loopback

READ_BY_GOOGLE = ("authorization", "x-serverless-authorization", "proxy-authorization")
"""Headers in which Cloud Run or Identity-Aware Proxy looks for a token."""


def check_services(draft: Draft) -> Iterator[Problem]:
    """All about what leads to services, and what they have no use for."""
    yield from _same_host(draft)
    yield from _same_path(draft)
    yield from _same_service(draft)
    yield from _shared_names(draft)
    yield from _reached_by_nobody(draft)
    yield from _itself(draft)
    yield from _pages_of_files(draft)
    for path, service in draft.services():
        yield from _accounts(draft, path, service)
        yield from _elsewhere(draft, path, service)
        yield from _audience(draft, path, service)
        yield from _token_header(draft, path, service)
        yield from _without_effect(draft, path, service)


def _pages_of_files(draft: Draft) -> Iterator[Problem]:
    tables: list[tuple[Path, Sequence[str]]] = [((), draft.settings.allow_origins)]
    tables += [(path, service.allow_origins) for path, service in draft.services()]
    for path, origins in tables:
        for index, origin in enumerate(origins):
            if origin == "file://":
                yield draft.warning(
                    (*path, "allow_origins"),
                    '"file://" has no effect in browsers: their pages from files say null, as'
                    " everybody does who hides; let a server give the page out, and write its"
                    " origin",
                    index=index,
                )


def _same_host(draft: Draft) -> Iterator[Problem]:
    owners = {f"{name}.localhost": name for name in draft.settings.services}
    for path, service in draft.services():
        for index, host in enumerate(service.hosts):
            owner = owners.setdefault(host, path[1])
            if owner != path[1]:
                yield draft.problem(
                    (*path, "hosts"),
                    f'"{host}" already belongs to the service "{owner}"; a name can belong to'
                    " one service only",
                    index=index,
                )


def _same_path(draft: Draft) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for path, service in draft.services():
        if service.path is not None:
            owner = owners.setdefault(service.path, path[1])
            if owner != path[1]:
                yield draft.problem(
                    (*path, "path"),
                    f'"{service.path}" already belongs to the service "{owner}"; a path can belong'
                    " to one service only",
                )
        elif service.strip_path:
            yield draft.problem((*path, "strip_path"), "there is no path to strip; add path")


def _same_service(draft: Draft) -> Iterator[Problem]:
    seen: dict[Origin, list[tuple[str, ServiceSettings]]] = {}
    for path, service in draft.services():
        others = seen.setdefault(service.url, [])
        same = next((name for name, other in others if other == service), None)
        if same is not None:
            yield draft.warning(path, f'is the same as the service "{same}"; remove one of them')
        others.append((path[1], service))


def _shared_names(draft: Draft) -> Iterator[Problem]:
    """Names that lead to every service, and those that lead to one."""
    settings = draft.settings
    owners = {host: name for name, service in settings.services.items() for host in service.hosts}
    for index, host in enumerate(settings.hosts):
        if is_loopback(host) or host.endswith(".localhost"):
            says = "has no effect: localhost and all loopback addresses are answered for anyway"
            yield draft.warning(("hosts",), f'"{host}" {says}', index=index)
        elif host in owners:
            yield draft.warning(
                ("hosts",),
                f'"{host}" has no effect: it is a name of the service "{owners[host]}"',
                index=index,
            )
    by_path = [name for name, each in settings.services.items() if each.path is not None]
    for path, service in draft.services():
        for index, host in enumerate(service.hosts):
            others = [name for name in by_path if name != path[1]]
            if is_loopback(host) and others:
                yield draft.problem(
                    (*path, "hosts"),
                    f'"{host}" would belong to this service alone, and nothing could reach the path'
                    f' of "{others[0]}"; remove it',
                    index=index,
                )


def _reached_by_nobody(draft: Draft) -> Iterator[Problem]:
    only = [listener.service for listener in draft.settings.every_listener]
    if not only or None in only:
        return
    for path, _ in draft.services():
        if path[1] not in only:
            yield draft.warning(
                path, "cannot be reached: every listener has another service of its own"
            )


def _itself(draft: Draft) -> Iterator[Problem]:
    """A service that is authproxy would ask itself for ever."""
    listens = [each.listen for each in draft.settings.every_listener if each.listen.path is None]
    places = {(listen.host, listen.port) for listen in listens}
    ports = {listen.port for listen in listens} - {0, None}
    proxy = _port_here(draft.settings.egress_proxy)
    if proxy in ports:
        yield draft.problem(
            ("egress_proxy",), "is authproxy's own listener, and it is not an egress proxy"
        )
    for path, service in draft.services():
        if service.egress_proxy is not None and _port_here(service.egress_proxy) in ports:
            at = (*path, "egress_proxy")
            yield draft.problem(at, "is authproxy's own listener, and it is not an egress proxy")
        url = service.url
        is_here = url.is_loopback or url.host.endswith(".localhost")
        if (is_here and url.port in ports) or (url.host, url.port) in places:
            yield draft.problem(
                (*path, "url"),
                f"{url} is authproxy's own listener: it would call itself; correct the port"
                " of one of them",
            )


def _audience(draft: Draft, path: Path, service: ServiceSettings) -> Iterator[Problem]:
    at, audience = (*path, "audience"), service.audience
    if audience is None or service.token == "access":
        return
    if service.credentials.kind == "none":
        if not draft.is_for_all(at):
            yield draft.warning(at, 'has no effect: with credentials = "none" there is no token')
        return
    wrong = _find_wrong_audience(audience, service)
    if wrong:
        yield draft.warning(at, f"{wrong}; write {service.url.audience}")
    elif draft.is_for_all(at) and len(draft.settings.services) > 1:
        yield draft.warning(
            at,
            "would be the audience of every service, and each usually has its own; leave it out,"
            " or write it at one service",
        )


def _find_wrong_audience(audience: str, service: ServiceSettings) -> str:
    """Why a service on Cloud Run would refuse it, as far as that can be seen."""
    plain = service.url.audience
    if audience == plain:
        return ""
    if audience.rstrip("/") == plain:
        return "is compared letter by letter, including its slash"
    if audience.removeprefix("http://").rstrip("/") == service.url.authority:
        return "is compared letter by letter"
    if audience == str(service.url) and "---" in audience:
        return "has a traffic tag, which no audience has"
    return "has a path, which no audience has" if audience.startswith(f"{plain}/") else ""


def _port_here(egress: EgressSpec) -> int | None:
    """The port of a proxy on this machine that stands there as a URL."""
    if egress.kind != "url":
        return None
    proxy = parse_egress_url(egress.value)
    return proxy.port if is_loopback(proxy.host) else None


def _elsewhere(draft: Draft, path: Path, service: ServiceSettings) -> Iterator[Problem]:
    """Addresses that are nobody's service."""
    if service.url.host == "service.run.app":
        yield draft.warning(
            (*path, "url"),
            "is the address of an example; gcloud run services list shows those of your services",
        )
    if service.url.host == "console.cloud.google.com":
        yield draft.warning(
            (*path, "url"), "is Google's console, and no service; the page there shows its URL"
        )
    others = {other.url: name for name, other in draft.settings.services.items()}
    for index, origin in enumerate(service.other_urls):
        owner = others.get(origin, path[1])
        if owner != path[1]:
            yield draft.warning(
                (*path, "other_urls"), f'{origin} is the service "{owner}"', index=index
            )


def _accounts(draft: Draft, path: Path, service: ServiceSettings) -> Iterator[Problem]:
    if service.impersonate and service.impersonate in service.delegates:
        yield draft.problem(
            (*path, "delegates"), f"{service.impersonate} is the end of the chain; remove it"
        )
    host = (service.impersonate or "").rpartition("@")[2]
    if host in ("gmail.com", "googlemail.com"):
        yield draft.problem(
            (*path, "impersonate"),
            "is a person's address, and only service accounts can be impersonated; write"
            " NAME@PROJECT.iam.gserviceaccount.com",
        )


def _token_header(draft: Draft, path: Path, service: ServiceSettings) -> Iterator[Problem]:
    at, name = (*path, "token_header"), service.token_header
    if name == "auto":
        return
    known = {each.title(): each for each in READ_BY_GOOGLE}
    meant = find_slip(name.lower(), READ_BY_GOOGLE) or _british(name)
    meant = "authorization" if name.lower() in ("bearer", "token") else meant
    if meant:
        yield draft.problem(at, f"there is no such header; did you mean {meant.title()}?")
    elif service.credentials.kind == "none":
        if not draft.is_for_all(at):
            yield draft.warning(at, 'has no effect: with credentials = "none" there is no token')
    elif name.lower() not in READ_BY_GOOGLE and service.url.host.endswith(".run.app"):
        yield draft.warning(
            at, f"Cloud Run looks into {' and '.join([*known][:2])} only, not into {name}"
        )


def _british(name: str) -> str | None:
    american = name.lower().replace("authoris", "authoriz")
    return american if american != name.lower() and american in READ_BY_GOOGLE else None


def _without_effect(draft: Draft, path: Path, service: ServiceSettings) -> Iterator[Problem]:
    for key, why in _idle(service):
        at = (*path, key)
        if draft.is_given(at) and not draft.is_for_all(at):
            yield draft.warning(at, f"has no effect: {why}")
    for index, origin in enumerate(service.other_urls):
        if origin == service.url:
            yield draft.warning(
                (*path, "other_urls"), f"{origin} has no effect: it is url itself", index=index
            )
    added = {name.lower() for name, _ in service.add_headers}
    for index, name in enumerate(service.remove_headers):
        if name.lower() in added:
            yield draft.warning(
                (*path, "remove_headers"),
                f"{name} has no effect: add_headers replaces the client's anyway",
                index=index,
            )


def _idle(service: ServiceSettings) -> Iterator[tuple[str, str]]:
    """Settings that this service has no use for, and why."""
    if service.api_key is None:
        yield "api_key_header", "there is no api_key to go into it"
    if service.path == "/":
        yield "strip_path", "has no effect: the path is /"
    if service.url.scheme == "http":
        for key in ("ca_file", "client_cert_file", "client_key_file", "tls_min_version"):
            yield key, f"{service.url} is reached without TLS"
