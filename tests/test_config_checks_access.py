"""What does not go together in who may pass; more in test_config_checks_consistency.py."""

from pathlib import Path

from tests.support.configuring import URL, problems, settings

DIGEST = "ab" * 32


def test_keys_open_a_listener(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(f'listen = "0.0.0.0:80"\n[keys.ci]\nsha256 = "{DIGEST}"\n')

    assert (DIGEST,) == settings(file=file, urls=[URL]).keys["ci"].sha256


def test_what_is_wrong_with_keys_and_proxies_is_said_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(
        'trusted_proxies = ["0.0.0.0/0"]\n[keys.empty]\nservices = ["biling"]\n'
        '[keys.clear]\nsha256 = "hunter2"\n'
    )

    assert [
        "authproxy.toml:1: trusted_proxies: 0.0.0.0/0 is every address, so anybody could claim"
        " to be any client; name your load balancers' networks",
        "authproxy.toml:2: keys.empty: has neither sha256 nor file; authproxy key makes a key for"
        " it",
        'authproxy.toml:3: keys.empty.services: there is no service "biling"; did you mean'
        ' "billing"?; there are billing',
        "authproxy.toml:5: keys.clear.sha256: must be the 64 hexadecimal digits of a key's SHA-256,"
        " not the key itself; authproxy key makes both, and authproxy key --sha256 the digest of a"
        " key that you have",
    ] == [line for line in problems(file=file, urls=[URL]) if "keys.clear: has" not in line]


def test_the_proxy_protocol_needs_a_proxy_to_trust(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text('[listeners.a]\nlisten = "81"\nproxy_protocol = true\n')

    assert [
        "authproxy.toml:3: listeners.a.proxy_protocol: the header must come from a load balancer"
        " that is trusted; add trusted_proxies with its address"
    ] == problems(file=file, urls=[URL])
