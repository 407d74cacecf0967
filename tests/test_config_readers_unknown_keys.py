import pytest

from authproxy.config.readers.setting_names import Path
from authproxy.config.readers.unknown_keys import advice, advice_for_value


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("alow",), 'did you mean "allow"?'),
        (("services", "a", "API-Key"), 'did you mean "api_key"?'),
        (("url",), "it belongs in [services.NAME]"),
        (("connect",), "it belongs in [timeouts]"),
        (
            ("services", "a", "listen"),
            "it belongs at the top of the file, above the first [table]",
        ),
        (
            ("log", "colour"),
            "known here: format, level, access, sample, slow, user_agent, file, trace_project",
        ),
        (("log", "path"), "write file"),
        (("log", "sample_rate"), "write sample"),
        (("log_level",), "it belongs in [log], as level"),
        (("timeout_connect",), "it belongs in [timeouts], as connect"),
        (("port",), 'to say where clients connect, write listen = "localhost:8080"'),
        (("services", "a", "upstream"), "write url"),
        (
            ("services", "a", "insecure"),
            "certificates are always checked; to trust another CA besides the system's, write"
            " ca_file",
        ),
    ],
)
def test_an_unknown_key_is_answered_with_what_to_write(path: Path, expected: str) -> None:
    assert expected == advice(path)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("servces",), {"a": {}}, 'did you mean "services"?'),
        (("service",), {"a": {}}, 'did you mean "services"?'),
        (("billing",), {"url": "https://a"}, "a service's table is called [services.billing]"),
        (
            ("services", "a", "log"),
            {"level": "debug"},
            "it is a table by itself: write [log]",
        ),
    ],
)
def test_a_table_out_of_place_is_told_from_a_value(
    path: Path, value: object, expected: str
) -> None:
    assert expected.replace("[services.billing]", f"[services.{path[0]}]") == advice(path, value)


def test_a_value_where_a_table_must_be_is_answered_with_the_table() -> None:
    assert "write [services.NAME]" == advice_for_value(("services",))
    assert "write [services.a]" == advice_for_value(("services", "a"))
    assert "write [log]" == advice_for_value(("log",))
    assert advice_for_value(("services", "url")).startswith("write [services.NAME] above it")
