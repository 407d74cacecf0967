"""What the file says; tests/e2e/test_export.py has nginx read it, and sends requests."""

from pathlib import Path

from tests.support.exporting import REST, TOP, written


def test_the_file_fails_closed(tmp_path: Path) -> None:
    text = written(tmp_path, "nginx")

    # Every place that passes something on asks first, but for the one that asks.
    places = text.split("location ")[1:]
    passing = [each for each in places if "proxy_pass" in each and "question {" not in each[:40]]
    assert 1 == len(passing)
    assert all("auth_request /authproxy/question;" in each for each in passing)


def test_the_service_is_only_reached_by_an_answer_about_it(tmp_path: Path) -> None:
    text = written(tmp_path, "nginx")

    assert "proxy_pass https://$authproxy_to_billing$request_uri;" in text
    assert '"billing" authproxy_service_billing;' in text


def test_services_are_verified(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("x")
    text = written(tmp_path, "nginx", TOP + REST + 'tls_min_version = "1.3"\n')

    assert "proxy_ssl_verify on;" in text
    assert 'proxy_ssl_name "billing-abc.a.run.app";' in text
    assert "proxy_ssl_protocols TLSv1.3;" in text


def test_localhost_is_both_of_its_addresses(tmp_path: Path) -> None:
    text = written(tmp_path, "nginx", TOP.replace("127.0.0.1:8080", "localhost:8080") + REST)

    assert "listen 127.0.0.1:8080 default_server;" in text
    assert "listen [::1]:8080 default_server;" in text


def test_lists_and_bounds_are_there(tmp_path: Path) -> None:
    more = 'deny = ["192.0.2.0/24"]\n[limits]\nbody_bytes = 1000\n'
    text = written(tmp_path, "nginx", TOP + REST + more)

    assert "    127.0.0.0/8 1;" in text
    assert "if ($authproxy_allowed__all = 0) { return 403; }" in text
    assert "if ($authproxy_denied_billing) { return 403; }" in text
    assert "client_max_body_size 1000;" in text
