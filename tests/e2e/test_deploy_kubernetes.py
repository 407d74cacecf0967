"""What deploy/kubernetes starts passes authproxy check, and answers a kubelet's probes."""

import asyncio
import re
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from authproxy.config.loading import load
from authproxy.demo.world import World
from authproxy.settings import Settings
from tests.support.deploying import (
    DEPLOY,
    END_S,
    Container,
    containers,
    documents,
    image,
    pods,
    ports,
    probes,
)
from tests.support.program import Program, run_to_end

FOLDER = DEPLOY / "kubernetes"
SERVICE = "https://billing-abc123-ew.a.run.app"
PROGRAM_S = 30
"""What a program may take to end, whose sidecar must end after it."""


def config_maps(folder: Path) -> dict[str, dict[str, str]]:
    """Those that its kustomization makes."""
    [made] = documents(folder / "kustomization.yaml")
    return {
        each["name"]: {name: (folder / name).read_text() for name in each["files"]}
        for each in made.get("configMapGenerator", ())
    }


def every_container() -> list[Container]:
    base, overlay = FOLDER / "gateway" / "base", FOLDER / "gateway" / "overlays" / "production"
    return [
        *containers(base / "deployment.yaml", config_maps(base)),
        *containers(base / "deployment.yaml", config_maps(overlay)),
        *containers(FOLDER / "sidecar" / "deployment.yaml"),
        *containers(FOLDER / "job" / "job.yaml"),
    ]


EACH = pytest.mark.parametrize(
    "container", every_container(), ids=["gateway", "overlay", "sidecar", "job"]
)


def settings_of(container: Container, folder: Path) -> Settings:
    arguments, environ = container.started_in(folder)
    file = Path(arguments[2]) if arguments[:2] == ["run", "-c"] else None
    return load(urls=[] if file else arguments, file=file, flags={}, environ=environ)


@EACH
async def test_its_configuration_passes_the_check(container: Container, tmp_path: Path) -> None:
    arguments, environ = container.started_in(tmp_path)
    given = arguments[1:] if arguments[0] == "run" else arguments

    code, stdout, stderr = await run_to_end("check", *given, environ=environ)

    assert (0, "") == (code, stderr)
    assert "The configuration is good." in stdout


@EACH
def test_it_may_run_where_pods_are_restricted(container: Container) -> None:
    """Kubernetes' Pod Security Standard "restricted", as far as these pods have to do with it."""
    whole, own = container.pod["securityContext"], container.spec["securityContext"]
    both = {**whole, **own}

    assert both["runAsNonRoot"] is True
    assert image().user == both["runAsUser"] == both["runAsGroup"]
    assert {"type": "RuntimeDefault"} == both["seccompProfile"]
    assert own["allowPrivilegeEscalation"] is False
    assert own["readOnlyRootFilesystem"] is True
    assert {"drop": ["ALL"]} == own["capabilities"]
    assert container.pod["automountServiceAccountToken"] is False
    assert {"hostNetwork", "hostPID", "hostIPC", "hostUsers"}.isdisjoint(container.pod)
    assert {"memory"} == set(container.spec["resources"]["limits"])
    assert {"cpu", "memory"} == set(container.spec["resources"]["requests"])


@EACH
def test_the_grace_is_longer_than_the_end_can_take(container: Container, tmp_path: Path) -> None:
    timeouts = settings_of(container, tmp_path).timeouts
    grace_s = container.pod["terminationGracePeriodSeconds"]
    is_sidecar = container.spec.get("restartPolicy") == "Always"
    before_s = PROGRAM_S if is_sidecar else 0

    assert before_s + timeouts.drain_delay + timeouts.drain + END_S < grace_s
    assert (timeouts.drain_delay == 0) is is_sidecar


@EACH
def test_each_port_is_one_that_it_listens_at(container: Container, tmp_path: Path) -> None:
    settings = settings_of(container, tmp_path)
    admin = settings.admin.listen.port
    served = {each.listen.port for each in settings.every_listener}

    assert {"admin": admin, **({"http": served.pop()} if "http" in ports(container) else {})} == (
        ports(container)
    )
    assert {admin} == {port for port, _ in probes(container).values()}


FOREVER = "drain_delay = 600.0"


async def good(session: aiohttp.ClientSession, url: str) -> None:
    """Asked again and again, as by a kubelet: the first token takes a moment."""
    async with asyncio.timeout(20):
        while (await session.get(url)).status != 200:  # noqa: ASYNC110 -- probes are polls
            await asyncio.sleep(0.05)


@EACH
async def test_it_answers_its_probes_and_leaves_by_readiness_first(
    container: Container, world: World, tmp_path: Path
) -> None:
    changes = {"4040": "0", "8081": "0", SERVICE: world.url}
    trust = "AUTHPROXY_CA_FILE"
    if container.files:
        changes = {"4040": "0", "8080": "0", SERVICE: world.url, "drain_delay = 10.0": FOREVER}
        trust = "AUTHPROXY_SERVICES_BILLING_CA_FILE"
    arguments, environ = container.started_in(tmp_path, changes)
    environ |= {**world.environment, trust: str(world.ca_file)}
    environ["AUTHPROXY_ALLOW"] = "127.0.0.0/8"  # no client is at a pod's address here
    async with Program(*arguments, environ=environ) as program, aiohttp.ClientSession() as session:
        shown = (await program.hear(r"^authproxy: admin: (\S+)$"))[1]
        admin = shown.replace("0.0.0.0", "127.0.0.1")
        urls = {kind: f"{admin}{path}" for kind, (_, path) in probes(container).items()}
        for url in urls.values():
            await good(session, url)
        host = {"Host": "billing.authproxy"} if container.files else {}
        asked = await session.get(f"http://127.0.0.1:{program.port}/whoami", headers=host)
        program.signal(signal.SIGTERM)
        if container.files:
            await program.hear("stopping in 600 s")
            leaving = {kind: (await session.get(url)).status for kind, url in urls.items()}
            program.signal(signal.SIGTERM)
            assert {**dict.fromkeys(urls, 200), "readinessProbe": 503} == leaving
        code = await program.wait()

    assert (200, 143) == (asked.status, code)


def test_sidecars_start_before_the_program_and_are_no_reason_for_a_job_to_go_on() -> None:
    for path in (FOLDER / "sidecar" / "deployment.yaml", FOLDER / "job" / "job.yaml"):
        [pod] = [pod for document in documents(path) for pod in pods(document)]
        [sidecar] = pod["initContainers"]
        [program] = pod["containers"]

        assert "Always" == sidecar["restartPolicy"]
        assert "startupProbe" in sidecar  # the program waits for it
        listen = next(each["value"] for each in sidecar["env"] if each["name"].endswith("LISTEN"))
        assert f"http://{listen}" == program["env"][0]["value"]


def gateway(name: str) -> Any:
    [document] = documents(FOLDER / "gateway" / "base" / name)
    return document


def test_everything_around_the_gateway_means_its_pods() -> None:
    deployment = gateway("deployment.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    services = documents(FOLDER / "gateway" / "base" / "services.yaml")
    disruption, network = gateway("disruption.yaml"), gateway("network.yaml")
    scaler = gateway("autoscaler.yaml")["spec"]
    [container] = containers(
        FOLDER / "gateway" / "base" / "deployment.yaml",
        config_maps(FOLDER / "gateway" / "base"),
    )

    assert labels == deployment["spec"]["selector"]["matchLabels"]
    assert labels == disruption["spec"]["selector"]["matchLabels"]
    assert labels == network["spec"]["podSelector"]["matchLabels"]
    assert all(labels == each["spec"]["selector"] for each in services)
    assert deployment["metadata"]["name"] == scaler["scaleTargetRef"]["name"]
    assert "replicas" not in deployment["spec"]  # two would have a say in it
    assert 1 < scaler["minReplicas"]  # one may always be missing
    let_in = {port["port"] for rule in network["spec"]["ingress"] for port in rule["ports"]}
    assert set(ports(container)) == let_in


def test_each_kubernetes_service_is_a_name_that_authproxy_answers_for(tmp_path: Path) -> None:
    for container in every_container()[:2]:
        settings = settings_of(container, tmp_path)
        services = documents(FOLDER / "gateway" / "base" / "services.yaml")
        namespace = gateway("namespace.yaml")["metadata"]["name"]
        names = [each["metadata"]["name"] for each in services]

        assert names == list(settings.services)
        for name, service in settings.services.items():
            asked = (name, f"{name}.{namespace}", f"{name}.{namespace}.svc.cluster.local")
            assert set(asked) <= set(map(str, service.hosts))


def test_the_readme_tells_the_times_as_they_are(tmp_path: Path) -> None:
    rows = re.findall(r"^\| .*?(\d+) s.*? \| (\d+) s", (FOLDER / "README.md").read_text(), re.M)
    one, beside = every_container()[0], every_container()[2]
    gateway_times, sidecar_times = [
        (
            found.drain_delay,
            found.drain,
            found.drain_delay + found.drain + END_S,
            each.pod["terminationGracePeriodSeconds"],
        )
        for each in (one, beside)
        for found in [settings_of(each, tmp_path).timeouts]
    ]

    assert [*zip(gateway_times, sidecar_times, strict=True)] == [
        (float(left), float(right)) for left, right in rows
    ]
