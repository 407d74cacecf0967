"""The values that a configuration is made of, and how each is written.

Text is parsed once, here, and the value is trusted everywhere else. Wrong text raises `ValueError`
with a sentence that says what is wrong and what to write instead. Pure: no file, no environment.

`addresses` with `hosts` (of services, of listeners), `web_origins` (of pages), `networks` with
`ranges` (of clients); `methods`, `paths` and `path_rules` (what may be asked for); `credentials`,
`resources` (of Google Cloud), `egress` (proxies on the way out), `header_lines`, `quantities`.
`mistakes` and `wording` help them to say what is wrong.
"""

from authproxy.values.addresses import (
    ADMIN_PORT,
    DEFAULT_PORT,
    PROBE_HOST,
    AdminSpec,
    Listen,
    Origin,
    parse_admin,
    parse_host_name,
    parse_listen,
    parse_origin,
)
from authproxy.values.credentials import (
    CLOUD_PLATFORM,
    PLAIN_SOURCES,
    SOURCES,
    VALUE_SOURCES,
    CredentialsSpec,
    SecretRef,
    parse_audience,
    parse_credentials,
    parse_email,
    parse_file,
    parse_header_name,
    parse_key_header,
    parse_local_secret_ref,
    parse_name,
    parse_scope,
    parse_secret_header,
    parse_secret_ref,
    parse_service_name,
)
from authproxy.values.egress import EgressProxy, EgressSpec, parse_egress, parse_egress_url
from authproxy.values.header_lines import parse_header_line, parse_removed_header, parse_secret_name
from authproxy.values.methods import READ_ONLY, is_read_only, parse_method
from authproxy.values.networks import (
    LOOPBACK,
    Network,
    find_host_bits,
    parse_network,
    parse_network_of_clients,
)
from authproxy.values.paths import parse_path_prefix
from authproxy.values.quantities import (
    parse_bytes,
    parse_count,
    parse_rate,
    parse_seconds,
    parse_share,
    parse_workers,
)
from authproxy.values.resources import (
    RunService,
    is_run_service,
    parse_project,
    parse_region,
    parse_run_service,
    parse_tag,
)
from authproxy.values.web_origins import parse_web_origin
from authproxy.values.wording import did_you_mean, find_close, find_slip, quoted, refuse_placeholder

__all__ = [
    "ADMIN_PORT",
    "CLOUD_PLATFORM",
    "DEFAULT_PORT",
    "LOOPBACK",
    "PLAIN_SOURCES",
    "PROBE_HOST",
    "READ_ONLY",
    "SOURCES",
    "VALUE_SOURCES",
    "AdminSpec",
    "CredentialsSpec",
    "EgressProxy",
    "EgressSpec",
    "Listen",
    "Network",
    "Origin",
    "RunService",
    "SecretRef",
    "did_you_mean",
    "find_close",
    "find_host_bits",
    "find_slip",
    "is_read_only",
    "is_run_service",
    "parse_admin",
    "parse_audience",
    "parse_bytes",
    "parse_count",
    "parse_credentials",
    "parse_egress",
    "parse_egress_url",
    "parse_email",
    "parse_file",
    "parse_header_line",
    "parse_header_name",
    "parse_host_name",
    "parse_key_header",
    "parse_listen",
    "parse_local_secret_ref",
    "parse_method",
    "parse_name",
    "parse_network",
    "parse_network_of_clients",
    "parse_origin",
    "parse_path_prefix",
    "parse_project",
    "parse_rate",
    "parse_region",
    "parse_removed_header",
    "parse_run_service",
    "parse_scope",
    "parse_seconds",
    "parse_secret_header",
    "parse_secret_name",
    "parse_secret_ref",
    "parse_service_name",
    "parse_share",
    "parse_tag",
    "parse_web_origin",
    "parse_workers",
    "quoted",
    "refuse_placeholder",
]
