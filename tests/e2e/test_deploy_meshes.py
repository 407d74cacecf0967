"""deploy/istio and deploy/gateway-api: their parts agree, and authproxy takes its own."""

from pathlib import Path
from typing import Any

import pytest

from authproxy.config.loading import load
from tests.support.deploying import DEPLOY, documents, image
from tests.support.program import run_to_end

ISTIO, GATEWAY = DEPLOY / "istio" / "istio.yaml", DEPLOY / "gateway-api" / "gateway.yaml"
BASE = DEPLOY / "kubernetes" / "gateway" / "base"


def by_kind(path: Path) -> dict[str, Any]:
    return {each["apiVersion"].partition("/")[0] + each["kind"]: each for each in documents(path)}


async def test_the_authorizers_configuration_passes_the_check() -> None:
    file = DEPLOY / "istio" / "authproxy.toml"

    code, stdout, stderr = await run_to_end("check", "-c", file, environ=image().environ)

    assert 0 == code, stderr
    [warning] = stderr.splitlines()
    assert "tokens leave 0.0.0.0:9192 unencrypted" in warning  # as istio.yaml says, too
    assert "The configuration is good." in stdout


def test_istio_asks_where_the_authorizer_is() -> None:
    text, parts = ISTIO.read_text(), by_kind(ISTIO)
    file = DEPLOY / "istio" / "authproxy.toml"
    settings = load(urls=[], file=file, flags={}, environ=image().environ)
    [(_, place)] = settings.authorizer.places
    service, policy = parts["v1Service"], parts["security.istio.ioAuthorizationPolicy"]["spec"]
    opened = parts["networking.k8s.ioNetworkPolicy"]["spec"]
    name = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.cluster.local"
    [deployment] = documents(BASE / "deployment.yaml")
    timeout_s = settings.timeouts.token

    assert [place.port] == [each["port"] for each in service["spec"]["ports"]]
    assert [place.port] == [each["port"] for each in opened["ingress"][0]["ports"]]
    assert f"service: {name}\n" in text
    assert f"port: {place.port}\n" in text
    assert f"- name: {policy['provider']['name']}\n" in text
    assert "failOpen: false\n" in text
    assert timeout_s < float(text.partition("timeout: ")[2].partition("s ")[0])
    assert "CUSTOM" == policy["action"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels == service["spec"]["selector"] == opened["podSelector"]["matchLabels"]


def test_istio_passes_to_the_service_whose_token_it_gets() -> None:
    parts = by_kind(ISTIO)
    file = DEPLOY / "istio" / "authproxy.toml"
    [service] = load(urls=[], file=file, flags={}, environ={}).services.values()
    host = str(service.url).removeprefix("https://").rstrip("/")
    route = parts["networking.istio.ioVirtualService"]["spec"]
    [http] = route["http"]
    asked = [str(each) for each in service.hosts]
    tls = parts["networking.istio.ioDestinationRule"]["spec"]["trafficPolicy"]["tls"]

    assert asked == route["hosts"]
    assert asked == parts["networking.istio.ioGateway"]["spec"]["servers"][0]["hosts"]
    assert host == http["rewrite"]["authority"] == http["route"][0]["destination"]["host"]
    assert [host] == parts["networking.istio.ioServiceEntry"]["spec"]["hosts"]
    assert host == parts["networking.istio.ioDestinationRule"]["spec"]["host"] == tls["sni"]
    assert "caCertificates" in tls
    policy = parts["security.istio.ioAuthorizationPolicy"]["spec"]
    assert asked[0] in policy["rules"][0]["to"][0]["operation"]["hosts"]


def test_the_gateway_api_leads_to_a_service_of_the_gateways() -> None:
    parts = by_kind(GATEWAY)
    route = parts["gateway.networking.k8s.ioHTTPRoute"]
    outside = parts["gateway.networking.k8s.ioGateway"]
    services = {
        each["metadata"]["name"]: each["spec"] for each in documents(BASE / "services.yaml")
    }
    [backend] = route["spec"]["rules"][0]["backendRefs"]
    [listener] = outside["spec"]["listeners"]

    assert backend["port"] in {each["port"] for each in services[backend["name"]]["ports"]}
    assert [outside["metadata"]["name"]] == [each["name"] for each in route["spec"]["parentRefs"]]
    ending = listener["hostname"].removeprefix("*")
    assert all(each.endswith(ending) for each in route["spec"]["hostnames"])


@pytest.mark.parametrize("path", [ISTIO, GATEWAY], ids=lambda path: path.stem)
def test_everything_is_in_a_namespace(path: Path) -> None:
    assert all(each["metadata"].get("namespace") for each in documents(path))
