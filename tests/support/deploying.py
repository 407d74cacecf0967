"""Reads deploy/: what a platform would start by it, with which arguments and variables."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
END_S = 5
"""What authproxy takes beside `drain_delay` and `drain` at most (docs/reload.md)."""


@dataclass(frozen=True, slots=True)
class Image:
    """What Dockerfile says of the image."""

    environ: Mapping[str, str]
    user: int


def image() -> Image:
    """Of the last stage, without what is made of other variables."""
    text = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2].replace("\\\n", " ")
    set_there = " ".join(re.findall(r"^ENV (.+)$", text, re.MULTILINE))
    environ = dict(pair.split("=", 1) for pair in shlex.split(set_there) if "$" not in pair)
    [user] = re.findall(r"^USER (\d+):\1$", text, re.MULTILINE)
    return Image(environ=environ, user=int(user))


def documents(path: Path) -> list[Any]:
    """Of a YAML file."""
    return [each for each in yaml.safe_load_all(path.read_text()) if each is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One that runs authproxy, as its platform would start it."""

    place: str
    arguments: list[str]
    environ: dict[str, str]
    spec: dict[str, Any] = field(repr=False)
    pod: dict[str, Any] = field(repr=False)
    files: dict[str, str] = field(repr=False)
    """By their paths in the container."""

    def started_in(
        self, folder: Path, changes: Mapping[str, str] | None = None
    ) -> tuple[list[str], dict[str, str]]:
        """Arguments and variables, with its files in `folder`. Each of `changes` must be needed."""
        unused = dict(changes or {})

        def changed(text: str) -> str:
            for old, new in (changes or {}).items():
                if old in text:
                    unused.pop(old, None)
                    text = text.replace(old, new)
            return text

        arguments, environ = [*self.arguments], dict(self.environ)
        for at, text in self.files.items():
            here = folder / Path(at).name
            here.write_text(changed(text))
            here.chmod(0o600)
            arguments = [each.replace(at, str(here)) for each in arguments]
            environ = {name: each.replace(at, str(here)) for name, each in environ.items()}
        arguments = [changed(each) for each in arguments]
        environ = {name: changed(each) for name, each in environ.items()}
        assert not unused, f"{self.place}: {list(unused)} is not there any more"
        return arguments, environ


def pods(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The specification of pods in a workload of Kubernetes, or of a service of Cloud Run."""
    template = document.get("spec", {}).get("template")
    if template is not None:
        yield template["spec"]


def containers(path: Path, maps: Mapping[str, Mapping[str, str]] | None = None) -> list[Container]:
    """Those of authproxy in a YAML file, by the image's variables and their own.

    `maps`: ConfigMaps and secrets by name, each with its files.
    """
    found = []
    for document in documents(path):
        for pod in pods(document):
            for spec in [*pod.get("initContainers", ()), *pod["containers"]]:
                if spec["name"] == "authproxy":
                    own = {each["name"]: str(each["value"]) for each in spec.get("env", ())}
                    found.append(
                        Container(
                            place=f"{path.relative_to(DEPLOY)}: {document['kind']}",
                            arguments=list(spec.get("args", ())),
                            environ={**image().environ, **own},
                            spec=spec,
                            pod=dict(pod),
                            files=_mounted(spec, pod, maps or {}),
                        )
                    )
    return found


def _mounted(
    spec: Mapping[str, Any], pod: Mapping[str, Any], maps: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    volumes = {each["name"]: each for each in pod.get("volumes", ())}
    files = {}
    for mount in spec.get("volumeMounts", ()):
        volume = volumes[mount["name"]]
        if "configMap" in volume:
            name = volume["configMap"]["name"]
        elif "secret" in volume:
            name = volume["secret"]["secretName"]
        else:
            continue
        files.update({f"{mount['mountPath']}/{file}": text for file, text in maps[name].items()})
    return files


def ports(container: Container) -> dict[str, int]:
    """By their names."""
    return {each["name"]: each["containerPort"] for each in container.spec.get("ports", ())}


def probes(container: Container) -> dict[str, tuple[int, str]]:
    """Port and path of each, by its kind."""
    found: dict[str, tuple[int, str]] = {}
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        if kind in container.spec:
            asked = container.spec[kind]["httpGet"]
            port = asked["port"]
            number = port if isinstance(port, int) else ports(container)[port]
            found[kind] = (number, asked["path"])
    return found
