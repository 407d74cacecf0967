"""What deploy/ has for Cloud Run, Cloud Build, Compose, launchd and Terraform."""

import asyncio
import hashlib
import json
import plistlib
import re
from pathlib import Path
from typing import Any

import aiohttp
import hcl2
import pytest

from authproxy.config.loading import load
from authproxy.demo.world import World
from authproxy.settings import Settings
from tests.support.deploying import DEPLOY, END_S, Container, containers, documents, image, probes
from tests.support.program import Program, run_to_end

SERVICE = "https://billing-abc123-ew.a.run.app"
KEY = "k" * 40
CLOUD_RUN_GRACE_S = 10
"""From SIGTERM to SIGKILL there, which nothing changes."""


def cloud_run(name: str) -> Container:
    config = (DEPLOY / "cloudrun" / "authproxy.toml").read_text()
    [found] = containers(DEPLOY / "cloudrun" / name, {"authproxy": {"authproxy.toml": config}})
    return found


CLOUD_RUN = pytest.mark.parametrize("name", ["sidecar.yaml", "gateway.yaml"])


def settings_of(arguments: list[str], environ: dict[str, str]) -> Settings:
    file = Path(arguments[2]) if arguments[:2] == ["run", "-c"] else None
    return load(urls=[] if file else arguments, file=file, flags={}, environ=environ)


@CLOUD_RUN
async def test_on_cloud_run_it_passes_the_check(name: str, tmp_path: Path) -> None:
    arguments, environ = cloud_run(name).started_in(tmp_path)
    given = arguments[1:] if arguments[0] == "run" else arguments

    code, stdout, stderr = await run_to_end(
        "check", *given, environ={**environ, "K_SERVICE": "gateway"}
    )

    assert (0, "") == (code, stderr), stderr
    assert "The configuration is good." in stdout


@CLOUD_RUN
def test_on_cloud_run_ports_and_times_agree(name: str, tmp_path: Path) -> None:
    container = cloud_run(name)
    settings = settings_of(*container.started_in(tmp_path))
    [document] = documents(DEPLOY / "cloudrun" / name)
    [ingress] = [
        each for each in document["spec"]["template"]["spec"]["containers"] if "ports" in each
    ]
    [(port, path)] = probes(container).values()

    assert {port} == {each.listen.port for each in settings.every_listener}
    assert settings.health_path == path
    assert settings.timeouts.drain_delay + settings.timeouts.drain < CLOUD_RUN_GRACE_S
    assert (ingress["name"] == "authproxy") is (name == "gateway.yaml")


def test_on_cloud_run_the_program_waits_for_its_sidecar_and_asks_it() -> None:
    [document] = documents(DEPLOY / "cloudrun" / "sidecar.yaml")
    template = document["spec"]["template"]
    waits = json.loads(
        template["metadata"]["annotations"]["run.googleapis.com/container-dependencies"]
    )
    program, sidecar = template["spec"]["containers"]

    assert {program["name"]: [sidecar["name"]]} == waits
    assert "startupProbe" in sidecar
    assert f":{sidecar['startupProbe']['httpGet']['port']}" in program["env"][0]["value"]


@CLOUD_RUN
async def test_on_cloud_run_its_probe_is_answered_and_then_its_clients(
    name: str, world: World, tmp_path: Path
) -> None:
    container, is_gateway = cloud_run(name), name == "gateway.yaml"
    [(_, probe)] = probes(container).values()
    changes = {SERVICE: world.url, "8081": "0"}
    if is_gateway:
        trusting = f'strip_path = true\nca_file = "{world.ca_file}"'
        digest = hashlib.sha256(KEY.encode()).hexdigest()
        changes = {SERVICE: world.url, "8080": "0", "strip_path = true": trusting, "0" * 64: digest}
    arguments, environ = container.started_in(tmp_path, changes)
    environ |= world.environment | ({} if is_gateway else {"AUTHPROXY_CA_FILE": str(world.ca_file)})
    async with Program(*arguments, environ=environ) as program, aiohttp.ClientSession() as session:
        [port] = set(re.findall(r":(\d+)", " ".join(program.urls)))
        url, probed = f"http://127.0.0.1:{port}", list[int]()
        path = "/billing/whoami" if is_gateway else "/whoami"
        async with asyncio.timeout(20):
            while 200 not in probed:  # a startup probe goes on until it is
                other = {"Host": "10.1.2.3"}  # the name that it asks for is not documented
                probed.append((await session.get(f"{url}{probe}", headers=other)).status)
                await asyncio.sleep(0.05)
        without = (await session.get(f"{url}{path}")).status
        with_key = (await session.get(f"{url}{path}", headers={"X-Api-Key": KEY})).status

    assert set(probed) <= {200, 503}
    assert (401 if is_gateway else 200, 200) == (without, with_key)


def compose() -> Any:
    [document] = documents(DEPLOY / "compose" / "compose.yaml")
    return document


async def test_composes_authproxy_passes_the_check(tmp_path: Path) -> None:
    service = compose()["services"]["authproxy"]
    user = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    secret = tmp_path / "google"
    secret.write_text(json.dumps(user))
    secret.chmod(0o600)
    own = {
        name: value.replace("/run/secrets", str(tmp_path))
        for name, value in service["environment"].items()
    }

    code, stdout, stderr = await run_to_end(
        "check", *service["command"], environ={**image().environ, **own}
    )

    assert (0, "") == (code, stderr), stderr
    assert "listen        0.0.0.0:8080" in stdout


def test_composes_parts_agree() -> None:
    document = compose()
    service, program = document["services"]["authproxy"], document["services"]["shop"]
    settings = settings_of(
        [*service["command"]],
        {**image().environ, **service["environment"], "AUTHPROXY_CREDENTIALS": "none"},
    )
    [subnet] = [each["subnet"] for each in document["networks"]["inner"]["ipam"]["config"]]
    [listener] = settings.every_listener

    assert [subnet] == [str(each) for each in settings.allow]
    assert f"http://authproxy:{listener.listen.port}" == program["environment"]["BILLING_URL"]
    assert settings.timeouts.drain + END_S < int(service["stop_grace_period"].removesuffix("s"))
    assert str(image().user) in service["user"]
    assert service["secrets"] == list(document["secrets"])
    assert service["environment"]["GOOGLE_APPLICATION_CREDENTIALS"] == "/run/secrets/google"
    assert "inner" in program["networks"]
    assert document["networks"]["inner"]["internal"] is True


async def test_the_agent_of_launchd_starts_what_there_is(tmp_path: Path) -> None:
    agent = plistlib.loads((DEPLOY / "launchd" / "authproxy.plist").read_bytes())
    _, *arguments = agent["ProgramArguments"]
    file = tmp_path / "authproxy.toml"
    file.write_text(f'[services.billing]\nurl = "{SERVICE}"\ncredentials = "none"\n')
    settings = load(urls=[], file=file, flags={}, environ={})

    assert ["run", "-c"] == arguments[:2]
    code, _, stderr = await run_to_end(
        "check", "-c", file, environ=agent["EnvironmentVariables"] | {"PORT": "8080"}
    )
    assert 0 == code, stderr
    assert settings.timeouts.drain + END_S < agent["ExitTimeOut"]
    assert 0o077 == agent["Umask"]
    assert {"SuccessfulExit": False} == agent["KeepAlive"]  # what /quitquitquit ends stays so


def test_cloud_build_tests_first_and_deploys_what_it_has_signed() -> None:
    [build] = documents(DEPLOY / "cloudbuild" / "cloudbuild.yaml")
    steps = {each["id"]: each for each in build["steps"]}
    order = list(steps)
    used = set(re.findall(r"\$\{(_[A-Z]+)\}", json.dumps(build)))
    targets = re.findall(r"^([a-z-]+):", (DEPLOY.parent / "Makefile").read_text(), re.MULTILINE)

    assert ["test", "build", "push", "sign", "deploy"] == order
    assert order[:-1] == [each["waitFor"][0] for each in build["steps"][1:]]
    assert set(build["substitutions"]) == used
    made = re.findall(r"make ([a-z]+)", steps["test"]["args"][-1])
    assert ["setup", "check", "test"] == made
    assert set(made) <= set(targets)
    for signed in ("sign", "deploy"):
        assert "$(cat /workspace/image)" in steps[signed]["args"][-1]  # the digest, not a tag


def terraform() -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for path in sorted((DEPLOY / "terraform").glob("*.tf")):
        for kind, blocks in hcl2.loads(path.read_text()).items():
            if isinstance(blocks, list):
                whole.setdefault(kind, []).extend(blocks)
    return whole


def test_terraform_names_only_what_there_is() -> None:
    text = "".join(path.read_text() for path in sorted((DEPLOY / "terraform").glob("*.tf")))
    whole = terraform()
    variables = {name.strip('"') for each in whole["variable"] for name in each}
    resources = {
        f"{kind}.{name}".replace('"', "")
        for each in whole["resource"]
        for kind, named in each.items()
        for name in named
    }
    readme = (DEPLOY / "terraform" / "README.md").read_text()

    assert variables == set(re.findall(r"\bvar\.(\w+)", text))
    assert set(re.findall(r"\b(google_\w+\.\w+)\.\w+", text)) <= resources
    assert set(re.findall(r'role +=\s"(\S+)"', text)) == set(
        re.findall(r"`(roles/\S+)`", readme.partition("All are members")[0])
    )
    kinds = {resource.partition(".")[0] for resource in resources}
    assert all(kind.endswith("_member") for kind in kinds - {"google_service_account"})
