"""Clusters of Envoy's: ways to the authorizer and to the services."""

from ipaddress import ip_address
from typing import Any

from authproxy.export.plan import ExportPlan, ServicePlan
from authproxy.values import Listen

_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_USUAL_CONNECTIONS = 1000
_VERSIONS = {"1.2": "TLSv1_2", "1.3": "TLSv1_3"}
_MANY = 1_000_000
"""Requests under way, and in line: beyond 1024 Envoy would refuse what authproxy lets wait."""


def typed(name: str, **fields: Any) -> dict[str, Any]:
    """A message of this type, where any may stand."""
    return {"@type": f"type.googleapis.com/{name}", **fields}


def seconds(value: float) -> str:
    """As protobuf's JSON has a Duration."""
    return f"{value:.3f}s"


def authorizer_cluster(plan: ExportPlan) -> dict[str, Any]:
    """The way to the authorizer, by gRPC."""
    listen: Listen = plan.authorizer
    host = "127.0.0.1" if listen.host == "localhost" else listen.host
    return {
        "name": "authproxy",
        "type": "STATIC",
        "connect_timeout": "2s",
        "typed_extension_protocol_options": {
            _OPTIONS: typed(_OPTIONS, explicit_http_config={"http2_protocol_options": {}})
        },
        "circuit_breakers": _bounds(_USUAL_CONNECTIONS),
        "load_assignment": _at("authproxy", host, listen.port or 0),
    }


def service_cluster(plan: ExportPlan, service: ServicePlan) -> dict[str, Any]:
    """The way to a service, by TLS where its address says so."""
    name, url = f"service_{service.name}", service.url
    found = {
        "name": name,
        "type": "STATIC" if is_address(url.host) else "LOGICAL_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": seconds(service.timeouts.connect),
        "typed_extension_protocol_options": {
            _OPTIONS: typed(
                _OPTIONS,
                common_http_protocol_options={
                    "idle_timeout": seconds(service.timeouts.service_keep_alive)
                },
                use_downstream_protocol_config={"http2_protocol_options": {}},
            )
        },
        "circuit_breakers": _bounds(plan.connections_per_service or _USUAL_CONNECTIONS),
        "load_assignment": _at(name, url.host, url.port),
    }
    if url.scheme == "https":
        found["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": _tls(service),
        }
    return found


def is_address(host: str) -> bool:
    """Whether it need not be looked up."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _bounds(connections: int) -> dict[str, Any]:
    many = dict.fromkeys(("max_pending_requests", "max_requests"), _MANY)
    return {"thresholds": [{"max_connections": connections, **many}]}


def _at(name: str, host: str, port: int) -> dict[str, Any]:
    place = {"address": {"socket_address": {"address": host, "port_value": port}}}
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": place}]}]}


def _tls(service: ServicePlan) -> dict[str, Any]:
    host = service.url.host
    kind = "IP_ADDRESS" if is_address(host) else "DNS"
    common: dict[str, Any] = {
        "validation_context": {
            "trusted_ca": {"filename": str(service.trusted_file)},
            "match_typed_subject_alt_names": [{"san_type": kind, "matcher": {"exact": host}}],
        },
        "tls_params": {"tls_minimum_protocol_version": _VERSIONS[service.tls_min_version]},
    }
    if service.cert_file is not None:
        common["tls_certificates"] = [
            {
                "certificate_chain": {"filename": str(service.cert_file)},
                "private_key": {"filename": str(service.key_file)},
            }
        ]
    name = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    sni = {} if is_address(host) else {"sni": host}
    return typed(name, common_tls_context=common, **sni)
