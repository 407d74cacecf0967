"""Every metric, with its type, its labels and what it counts: the truth behind `docs/metrics.md`.

Names follow Prometheus' rules: what only grows ends in `_total`, units are seconds and bytes.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One metric family."""

    name: str
    """As queries have it; a histogram's without `_bucket`, `_sum` and `_count`."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    """`seconds` or `bytes`, where the name ends so."""

    @property
    def sample_names(self) -> frozenset[str]:
        """What may stand at the beginning of its lines."""
        if self.kind != "histogram":
            return frozenset([self.name])
        return frozenset(f"{self.name}_{each}" for each in ("bucket", "sum", "count"))


REQUESTS = Definition(
    name="authproxy_requests_total",
    kind="counter",
    help="Requests that have ended, tunnels and refused ones included. service: empty where none"
    " was found. method: one that is well known, or other. status: the class of what the client"
    " got, or none when it left before an answer. error: why authproxy answered by itself or cut"
    " the exchange off, else empty.",
    labels=("service", "method", "status", "error"),
)
DURATION = Definition(
    name="authproxy_request_duration_seconds",
    kind="histogram",
    help="From a request's head until the exchange has ended, the service's time and the client's"
    " reading included. Without tunnels, and without requests that no service was found for.",
    labels=("service",),
    unit="seconds",
)
ADDED = Definition(
    name="authproxy_added_latency_seconds",
    kind="histogram",
    help="What authproxy adds before a service hears of a request: from its head, read whole, until"
    " its head is given to the connection. Waiting for a token, for a place in the pool and for a"
    " new connection is included; the service's own time, the bodies and the way back are not."
    " Without requests that were sent more than once.",
    labels=("service",),
    unit="seconds",
)
SERVICE_LATENCY = Definition(
    name="authproxy_service_latency_seconds",
    kind="histogram",
    help="From a request's head, given to the connection, until the service's final head has come:"
    " the network's and the service's time, and the upload where the service waits for it.",
    labels=("service",),
    unit="seconds",
)
TOKEN_WAIT = Definition(
    name="authproxy_token_wait_seconds",
    kind="histogram",
    help="How long requests waited for a token, or for a secret or an address beside it; of those"
    " that had to wait, and got it; all waits of a request together.",
    labels=("service",),
    unit="seconds",
)
CONNECTION_WAIT = Definition(
    name="authproxy_connection_wait_seconds",
    kind="histogram",
    help="How long requests waited for a connection to the service, one that became free or a new"
    " one; of those that had to wait, and got it; all waits of a request together.",
    labels=("service",),
    unit="seconds",
)
RECEIVED = Definition(
    name="authproxy_received_bytes_total",
    kind="counter",
    help="Content from clients, without heads and chunk framing; counted when an exchange ends.",
    labels=("service",),
    unit="bytes",
)
SENT = Definition(
    name="authproxy_sent_bytes_total",
    kind="counter",
    help="Content to clients, without heads and chunk framing; counted when an exchange ends.",
    labels=("service",),
    unit="bytes",
)
RETRIES = Definition(
    name="authproxy_retries_total",
    kind="counter",
    help="How often a request was sent to its service once more.",
    labels=("service",),
)
ABORTED = Definition(
    name="authproxy_requests_aborted_total",
    kind="counter",
    help="Exchanges that did not come to their end. by: who left first.",
    labels=("service", "by"),
)
STARTED = Definition(
    name="authproxy_requests_started_total",
    kind="counter",
    help="Requests whose head was read, refused ones included.",
)
IN_FLIGHT = Definition(
    name="authproxy_requests_in_flight",
    kind="gauge",
    help="Requests that have not ended, those included that wait on their connection for the one"
    " before them, and tunnels.",
)
STREAMS = Definition(
    name="authproxy_http2_streams_in_flight",
    kind="gauge",
    help="Of the requests in flight: the streams of HTTP/2.",
)
CONNECTIONS = Definition(
    name="authproxy_client_connections",
    kind="gauge",
    help="Connections of clients. kind: http1 (those included that have said nothing yet), http2,"
    " tunnel (what an upgrade such as a WebSocket's became), or arriving (before the end of the TLS"
    " handshake or of the PROXY header).",
    labels=("kind",),
)
CONNECTIONS_LIMIT = Definition(
    name="authproxy_client_connections_limit",
    kind="gauge",
    help="Connections of clients that there are descriptors for; more wait to be accepted.",
)
ACCEPTED = Definition(
    name="authproxy_client_connections_accepted_total",
    kind="counter",
    help="Connections that were accepted, whatever came of them.",
)
HANDSHAKES = Definition(
    name="authproxy_client_tls_handshakes_total",
    kind="counter",
    help="TLS handshakes with clients. result: ok, or failed.",
    labels=("result",),
)
POOL_CONNECTIONS = Definition(
    name="authproxy_pool_connections",
    kind="gauge",
    help="Connections to a service by HTTP/1.1. state: connecting, busy, or idle. Those of tunnels"
    " have left the pool, and those of HTTP/2 belong to their clients.",
    labels=("service", "state"),
)
POOL_LIMIT = Definition(
    name="authproxy_pool_connections_limit",
    kind="gauge",
    help="The most connections to a service that its pool may have.",
    labels=("service",),
)
POOL_OPENED = Definition(
    name="authproxy_pool_connections_opened_total",
    kind="counter",
    help="Connections to a service that were established.",
    labels=("service",),
)
POOL_FAILED = Definition(
    name="authproxy_pool_connections_failed_total",
    kind="counter",
    help="Tries to connect to a service that failed.",
    labels=("service",),
)
POOL_WAITING = Definition(
    name="authproxy_pool_requests_waiting",
    kind="gauge",
    help="Requests in the queue for a connection.",
    labels=("service",),
)
POOL_WAITS = Definition(
    name="authproxy_pool_waits_total",
    kind="counter",
    help="Requests that found no idle connection and had to queue.",
    labels=("service",),
)
_ACCOUNT = "account: the service account that keys act as, or empty for the service's own identity."
TOKEN_USABLE = Definition(
    name="authproxy_token_usable",
    kind="gauge",
    help="1 while there is a token that can be sent, else 0. A token that ended unused is 0 too."
    f" {_ACCOUNT}",
    labels=("service", "account"),
)
TOKEN_AGE = Definition(
    name="authproxy_token_age_seconds",
    kind="gauge",
    help=f"Since the last token came. Absent before the first one. {_ACCOUNT}",
    labels=("service", "account"),
    unit="seconds",
)
TOKEN_EXPIRY = Definition(
    name="authproxy_token_expiry_timestamp_seconds",
    kind="gauge",
    help="When the token ends, in seconds since 1970. Absent while there is none, and where none is"
    " sent."
    f" {_ACCOUNT}",
    labels=("service", "account"),
    unit="seconds",
)
TOKEN_MINTS = Definition(
    name="authproxy_token_mints_total",
    kind="counter",
    help="Tokens that came. Services that share source and audience share their tokens, and each"
    " shows them."
    f" {_ACCOUNT}",
    labels=("service", "account"),
)
TOKEN_FAILURES = Definition(
    name="authproxy_token_mint_failures_total",
    kind="counter",
    help=f"Tries to get a token that failed. {_ACCOUNT}",
    labels=("service", "account"),
)
FAILING = Definition(
    name="authproxy_dependency_failing",
    kind="gauge",
    help="1 when the last try to get it failed, else 0. kind: token, secret (of Secret Manager), or"
    " address (of a service given by its name).",
    labels=("service", "kind"),
)
LOOP_LAG = Definition(
    name="authproxy_event_loop_lag_seconds",
    kind="histogram",
    help="How late the event loop woke a task that sleeps for a second: what every request waits"
    " for besides.",
    unit="seconds",
)
DRAINING = Definition(
    name="authproxy_draining",
    kind="gauge",
    help="1 once no connection is accepted any more, else 0.",
)
WORKERS = Definition(
    name="authproxy_workers",
    kind="gauge",
    help="Processes that take connections of clients: one, or as many as workers says. Fewer while"
    " one is replaced.",
)
WORKERS_REPLACED = Definition(
    name="authproxy_workers_replaced_total",
    kind="counter",
    help="Workers that ended before authproxy did, and had another one take their place.",
)
RELOADS = Definition(
    name="authproxy_config_reloads_total",
    kind="counter",
    help="Configurations that were read anew. result: ok, or failed.",
    labels=("result",),
)
RELOADED = Definition(
    name="authproxy_config_last_reload_success_timestamp_seconds",
    kind="gauge",
    help="When the configuration in use was read, in seconds since 1970.",
    unit="seconds",
)
BUILD = Definition(
    name="authproxy_build_info",
    kind="info",
    help="Always 1; the versions are in the labels.",
    labels=("version", "python_version"),
)

DEFINITIONS = tuple(each for each in list(globals().values()) if isinstance(each, Definition))
"""All of them, in the order of the output."""
