"""The files of deploy/ by the schemas and tools of those who made the platforms."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.deploy_tools import kubectl, kubernetes_validate, said_by
from tests.support.deploying import DEPLOY

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
