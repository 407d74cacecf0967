"""A plan as a file for Envoy 1.40 or newer: YAML whose values are written as JSON.

The authorizer is asked after the lists of addresses and before the router. What it says of the
service goes into the request's metadata, and a last filter lets the request pass to that service
alone. Paths are taken as they came: nothing here spells them anew.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from authproxy.export.envoy_clusters import authorizer_cluster, seconds, service_cluster, typed
from authproxy.export.plan import FOR_US_TO_SAY, ExportPlan, Lists, ServicePlan
from authproxy.export.texts import literal
from authproxy.values import Network
from authproxy.values.hosts import bracketed

_HTTP = "envoy.extensions.filters.http"
_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_DENIED, _ALLOWED, _FOR_IT = "authproxy.denied", "authproxy.allowed", "authproxy.service"
_ASKED = "envoy.filters.http.ext_authz"
"""The filter's name, under which its metadata stands as well."""
_CLIENT = "x-authproxy-client"
"""As `authproxy.authorizer.ext_authz` reads it."""
_ITS_OWN = (
    *("x-envoy-max-retries", "x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-internal"),
    *(
        "x-envoy-retriable-status-codes",
        "x-envoy-retriable-header-names",
        "x-envoy-is-timeout-retry",
    ),
    *(
        "x-envoy-upstream-alt-stat-name",
        "x-envoy-upstream-rq-timeout-ms",
        "x-envoy-hedge-on-per-try-timeout",
    ),
    *("x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-upstream-rq-timeout-alt-response"),
    *("x-envoy-expected-rq-timeout-ms", "x-envoy-force-trace", "x-envoy-decorator-operation"),
    *("x-envoy-upstream-stream-duration-ms", "x-envoy-ip-tags", "x-envoy-external-address"),
    *("x-envoy-attempt-count", "x-envoy-original-host", "x-envoy-downstream-service-node"),
    *("x-envoy-downstream-service-cluster",),
)
"""Fields by which Envoy lets whoever it takes for its own kind change what it does."""
_ANY: Sequence[Any] = [{"any": True}]


def write_envoy(plan: ExportPlan) -> str:
    """The whole file."""
    clusters = [authorizer_cluster(plan), *(service_cluster(plan, each) for each in plan.services)]
    listeners = [
        _listener(plan, f"clients_{number}", host, port)
        for number, (host, port) in enumerate(plan.addresses)
    ]
    whole = {"static_resources": {"listeners": listeners, "clusters": clusters}}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _listener(plan: ExportPlan, name: str, host: str, port: int) -> dict[str, Any]:
    manager = "envoy.filters.network.http_connection_manager"
    chain: dict[str, Any] = {"filters": [{"name": manager, "typed_config": _manager(plan)}]}
    if plan.cert_file is not None:
        chain["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": typed(
                "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                common_tls_context={
                    "alpn_protocols": ["h2", "http/1.1"],
                    "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                    "tls_certificates": [
                        {
                            "certificate_chain": {"filename": str(plan.cert_file)},
                            "private_key": {"filename": str(plan.key_file)},
                        }
                    ],
                },
            ),
        }
    place = {"socket_address": {"address": host, "port_value": port}}
    return {"name": name, "address": place, "filter_chains": [chain]}


def _manager(plan: ExportPlan) -> dict[str, Any]:
    times = plan.timeouts
    return typed(
        _MANAGER,
        stat_prefix="clients",
        use_remote_address=False,
        original_ip_detection_extensions=[
            {
                "name": "envoy.http.original_ip_detection.xff",
                "typed_config": typed(
                    "envoy.extensions.http.original_ip_detection.xff.v3.XffConfig",
                    xff_trusted_cidrs={"cidrs": _cidrs(plan.trusted)},
                    skip_xff_append=True,
                ),
            }
        ],
        early_header_mutation_extensions=[
            {
                "name": "envoy.http.early_header_mutation.header_mutation",
                "typed_config": typed(
                    "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
                    mutations=[{"remove": name} for name in _ITS_OWN],
                ),
            }
        ],
        scheme_header_transformation={"scheme_to_overwrite": plan.scheme},
        generate_request_id=False,
        server_header_transformation="PASS_THROUGH",
        max_request_headers_kb=64,
        request_headers_timeout=seconds(times.head),
        stream_idle_timeout=seconds(times.stream_idle),
        common_http_protocol_options={"idle_timeout": seconds(times.keep_alive)},
        http_protocol_options={"accept_http_10": True, "default_host_for_http_10": "localhost"},
        upgrade_configs=[{"upgrade_type": "websocket"}],
        route_config={
            "name": "services",
            "ignore_port_in_host_matching": True,
            "virtual_hosts": _virtual_hosts(plan),
        },
        http_filters=_filters(plan),
    )


def _filters(plan: ExportPlan) -> list[dict[str, Any]]:
    asked = typed(
        f"{_HTTP}.ext_authz.v3.ExtAuthz",
        transport_api_version="V3",
        failure_mode_allow=False,
        status_on_error={"code": "ServiceUnavailable"},
        encode_raw_headers=True,
        grpc_service={
            "envoy_grpc": {"cluster_name": "authproxy"},
            "timeout": seconds(plan.question_s),
            # The attributes name the peer, which may be one of trusted_proxies.
            "initial_metadata": [
                {"key": _CLIENT, "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}
            ],
        },
    )
    router = typed(f"{_HTTP}.router.v3.Router", suppress_envoy_headers=True)
    return [
        {"name": _DENIED, "typed_config": _rbac(_denied(plan, plan.lists))},
        {"name": _ALLOWED, "typed_config": _rbac(_allowed(plan.lists))},
        {"name": _ASKED, "typed_config": asked},
        {"name": _FOR_IT, "typed_config": _rbac({"action": "ALLOW", "policies": {}})},
        {"name": "envoy.filters.http.router", "typed_config": router},
    ]


def _rbac(rules: Mapping[str, Any]) -> dict[str, Any]:
    return typed(f"{_HTTP}.rbac.v3.RBAC", rules=rules)


def _rbac_here(rules: Mapping[str, Any] | None) -> dict[str, Any]:
    """For one route; None: no rules there."""
    own = {} if rules is None else {"rbac": {"rules": rules}}
    return typed(f"{_HTTP}.rbac.v3.RBACPerRoute", **own)


def _denied(plan: ExportPlan, *every: Lists) -> dict[str, Any]:
    """Who is refused, and whose proxies have said who they are in words that do not count here."""
    trusted = {"or_ids": {"ids": [{"direct_remote_ip": each} for each in _cidrs(plan.trusted)]}}
    known = {"or_ids": {"ids": [{"remote_ip": each} for each in _cidrs(plan.trusted)]}}
    policies: dict[str, Any] = {}
    if plan.trusted:
        by = {"header": {"name": "forwarded", "present_match": True}}
        unread = {"header": {"name": "x-forwarded-for", "present_match": True}}
        policies["forwarded"] = _policy({"and_ids": {"ids": [trusted, by]}})
        policies["unread"] = _policy({"and_ids": {"ids": [trusted, known, unread]}})
    denied = [{"remote_ip": each} for lists in every for each in _cidrs(lists.deny)]
    if denied:
        policies["denied"] = _policy(*denied)
    return {"action": "DENY", "policies": policies}


def _allowed(*every: Lists) -> dict[str, Any]:
    """Who is in all the lists that there are."""
    ids = [
        {"or_ids": {"ids": [{"remote_ip": each} for each in _cidrs(lists.allow)]}}
        for lists in every
        if lists.allow is not None
    ]
    return {"action": "ALLOW", "policies": {"allowed": _policy(_all_of(ids))}}


def _all_of(ids: Sequence[Any]) -> dict[str, Any]:
    return {"and_ids": {"ids": ids}} if ids else {"any": True}


def _policy(*principals: Mapping[str, Any]) -> dict[str, Any]:
    return {"permissions": _ANY, "principals": [*principals]}


def _cidrs(networks: Sequence[Network]) -> list[dict[str, Any]]:
    return [
        {"address_prefix": str(each.network_address), "prefix_len": each.prefixlen}
        for each in networks
    ]


def _virtual_hosts(plan: ExportPlan) -> list[dict[str, Any]]:
    by_name = {each.name: each for each in plan.services}
    own = [
        {
            "name": each.name,
            "domains": [bracketed(host) for host in dict.fromkeys(each.hosts)],
            "routes": [_route(plan, each, {"prefix": "/"})],
        }
        for each in plan.services
    ]
    taken = {host for each in plan.services for host in each.hosts}
    shared = ["localhost", "*.localhost", "127.*", "::1", *plan.shared_hosts]
    routes = [
        _route(plan, by_name[name], _match(path), path) for path, name in plan.prefixes.items()
    ]
    return [
        *own,
        {
            "name": "shared:",
            "domains": [bracketed(each) for each in dict.fromkeys(shared) if each not in taken],
            "routes": [*routes, _NOWHERE],
        },
        {"name": "others:", "domains": ["*"], "routes": [_NOWHERE]},
    ]


_NOWHERE: Mapping[str, Any] = {
    "match": {"prefix": "/"},
    "direct_response": {"status": 421},
    "typed_per_filter_config": {_FOR_IT: _rbac_here(None)},
}
"""authproxy has been asked, and has its own word for most of what comes here."""


def _match(path: str) -> dict[str, str]:
    return {"prefix": "/"} if path == "/" else {"path_separated_prefix": path}


def _route(
    plan: ExportPlan, service: ServicePlan, match: Mapping[str, str], path: str = "/"
) -> dict[str, Any]:
    only = {
        "filter": _ASKED,
        "path": [{"key": "service"}],
        "value": {"string_match": {"exact": service.name}},
    }
    policy = {"permissions": [{"sourced_metadata": {"metadata_matcher": only}}], "principals": _ANY}
    about_it = {"action": "ALLOW", "policies": {service.name: policy}}
    lists = (plan.lists, service.lists)
    return {
        "match": match,
        "route": {
            "cluster": f"service_{service.name}",
            "host_rewrite_literal": service.url.authority,
            "timeout": seconds(service.timeouts.total),
            "idle_timeout": seconds(service.timeouts.stream_idle),
            **_moved(service, path),
        },
        "request_headers_to_remove": list(service.taken_away),
        "response_headers_to_remove": [name.lower() for name in FOR_US_TO_SAY],
        "typed_per_filter_config": {
            _DENIED: _rbac_here(_denied(plan, *lists)),
            _ALLOWED: _rbac_here(_allowed(*lists)),
            _FOR_IT: _rbac_here(about_it),
        },
    }


def _moved(service: ServicePlan, path: str) -> dict[str, Any]:
    """The path that the service gets, where that is not the one that was asked for."""
    base = service.url.path
    stripped = path if service.strips and path != "/" else ""
    if not base and not stripped:
        return {}
    substitution = f"{base}/".replace("\\", "\\\\")
    return {
        "regex_rewrite": {
            "pattern": {"regex": f"^{literal(stripped)}/?"},
            "substitution": substitution,
        }
    }
