import pytest

from authproxy.config.readers.setting_names import (
    EVERY,
    FLAGS,
    PATHS,
    VARIABLES,
    Path,
    find_below,
    is_list,
)
from authproxy.settings import KeySettings, ListenerSettings

SERVICE_ONLY = (
    *("url", "service", "other_urls", "hosts", "egress_proxy", "allow_origins", "log"),
    *("allow", "allow_file", "deny", "deny_file"),
)


def test_every_setting_has_a_variable_or_one_with_its_services_name() -> None:
    without = {path for path in PATHS if path not in VARIABLES.values()}

    of_services = {("services", EVERY, key) for key in SERVICE_ONLY}
    of_listeners = {("listeners", EVERY, key) for key in ListenerSettings.model_fields}
    of_keys = {("keys", EVERY, key) for key in KeySettings.model_fields}
    assert of_services | of_listeners | of_keys == without


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("AUTHPROXY_LISTEN", ("listen",)),
        ("AUTHPROXY_LOG_FORMAT", ("log", "format")),
        ("AUTHPROXY_ACCESS_LOG", ("log", "access")),
        ("AUTHPROXY_LIMITS_HEAD_BYTES", ("limits", "head_bytes")),
        ("AUTHPROXY_TIMEOUTS_FIRST_BYTE", ("timeouts", "first_byte")),
        ("AUTHPROXY_API_KEY_HEADER", ("services", EVERY, "api_key_header")),
        ("AUTHPROXY_ALLOW", ("allow",)),
    ],
)
def test_variables_are_called_as_one_would_guess(variable: str, path: Path) -> None:
    assert path == VARIABLES[variable]


def test_every_flag_leads_to_a_setting() -> None:
    assert set() == set(FLAGS.values()) - set(PATHS)


def test_lists_are_known_from_their_defaults() -> None:
    lists = {path[-1] for path in PATHS if is_list(path)}

    assert {
        *(
            "admin_allow",
            "listen",
            "hosts",
            "allow",
            "deny",
            "delegates",
            "scopes",
            "allow_origins",
            "trusted_proxies",
            "peer_uids",
            "methods",
            "deny_methods",
            "paths",
            "deny_paths",
            "sha256",
            "add_headers",
            "remove_headers",
            "secret_headers",
            "other_urls",
            "services",
            "admin_allow",
            "secret_names",
        )
    } == lists


def test_what_stands_below_a_path_is_known() -> None:
    top = find_below(())

    assert top is not None
    assert "listen" in top
    assert find_below(("services",)) == ()
    assert "url" in (find_below(("services", "any")) or ())
    assert "sample" in (find_below(("log",)) or ())
    assert find_below(("log", "format")) is None
    assert find_below(("listen",)) is None
    assert find_below(("services", "any", "url")) is None
