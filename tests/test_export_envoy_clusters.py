from pathlib import Path
from typing import Any

from authproxy.export.envoy_clusters import authorizer_cluster, seconds, service_cluster, typed
from tests.support.exporting import REST, TOP, planned


def cluster(folder: Path, text: str = TOP + REST) -> Any:
    plan = planned(folder, "envoy", text)
    return service_cluster(plan, plan.services[0])


def test_a_service_is_verified_by_its_name(tmp_path: Path) -> None:
    tls = cluster(tmp_path)["transport_socket"]["typed_config"]

    context = tls["common_tls_context"]["validation_context"]
    assert "billing-abc.a.run.app" == tls["sni"]
    assert [{"san_type": "DNS", "matcher": {"exact": "billing-abc.a.run.app"}}] == context[
        "match_typed_subject_alt_names"
    ]


def test_an_address_is_verified_as_one_and_not_looked_up(tmp_path: Path) -> None:
    made = cluster(tmp_path, (TOP + REST).replace("billing-abc.a.run.app", "192.0.2.1:8443"))

    tls = made["transport_socket"]["typed_config"]
    [name] = tls["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"]
    assert ("STATIC", "IP_ADDRESS") == (made["type"], name["san_type"])
    assert "sni" not in tls


def test_a_service_by_plain_http_has_no_tls(tmp_path: Path) -> None:
    text = TOP + REST.replace("https://billing-abc.a.run.app", "http://127.0.0.1:8081")

    assert "transport_socket" not in cluster(tmp_path, text + 'credentials = "none"\n')


def test_bounds_are_those_of_the_file(tmp_path: Path) -> None:
    more = "connect_timeout = 2.5\n[limits]\nconnections_per_service = 7\n"
    made = cluster(tmp_path, TOP + REST + more)

    assert 7 == made["circuit_breakers"]["thresholds"][0]["max_connections"]
    assert "2.500s" == made["connect_timeout"]


def test_the_authorizer_is_asked_where_it_listens(tmp_path: Path) -> None:
    made = authorizer_cluster(planned(tmp_path, "envoy"))

    assert "9192" in str(made["load_assignment"])
    assert "http2_protocol_options" in str(made)


def test_messages_say_their_type() -> None:
    assert {"@type": "type.googleapis.com/a.B", "c": 1} == typed("a.B", c=1)


def test_times_are_durations() -> None:
    assert "0.250s" == seconds(0.25)
