"""Peers that run on Python: authproxy itself, and the proxy that one writes first."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.interpreter import Interpreter
from benchmarks.peers.job import Job
from benchmarks.tools import commit_tree

HERE = Path(__file__).parent
TOKEN_VARIABLE = "BENCH_TOKEN"
BEFORE = "94eb1ce"
"""The commit from which issue 18 set out, which its targets are beside."""
SERVICE = """
[services.s{number}]
url = "{origin}"
ca_file = "{ca_file}"
credentials = "token-env:{variable}"
"""


def authproxy(interpreter: Interpreter, job: Job) -> Sequence[str]:
    return [*program(interpreter), *_arguments(job)]


def program(interpreter: Interpreter) -> Sequence[str]:
    """What runs authproxy; arguments may follow."""
    return [interpreter.script("authproxy")]


def authproxy_before(interpreter: Interpreter, job: Job) -> Sequence[str]:
    return [*program_before(interpreter), *_arguments(job)]


def program_before(interpreter: Interpreter) -> Sequence[str]:
    """As it was, on the same Python and libraries, not compiled."""
    # Without -P the folder that this runs in would come before it.
    run = [str(interpreter.python), "-P", "-m", "authproxy"]
    return ["env", f"PYTHONPATH={commit_tree(BEFORE)}", *run]


def before_version(interpreter: Interpreter) -> str:
    commit_tree(BEFORE)
    return f"{BEFORE} ({interpreter.describe()})"


def _arguments(job: Job) -> list[str]:
    if job.names:
        what = ["--config", str(_configured(job))]
    else:
        token = ["--credentials", f"token-env:{TOKEN_VARIABLE}"]
        what = [job.origin, "--ca-file", str(job.service.ca_file), *token]
    listen = ["--listen", f"127.0.0.1:{job.port}"]
    return ["run", *what, *listen, "--no-access-log"]


def logging_authproxy(interpreter: Interpreter, job: Job) -> Sequence[str]:
    *command, _ = authproxy(interpreter, job)
    return [*command, "--access-log", "--log-format", "json"]


def counting_authproxy(interpreter: Interpreter, job: Job) -> Sequence[str]:
    return [*authproxy(interpreter, job), "--admin", "127.0.0.1:0"]


def inspecting_authproxy(interpreter: Interpreter, job: Job) -> Sequence[str]:
    return [*counting_authproxy(interpreter, job), "--inspect"]


def recording_authproxy(interpreter: Interpreter, job: Job) -> Sequence[str]:
    return [*inspecting_authproxy(interpreter, job), "--record-bodies"]


def tracing_authproxy(interpreter: Interpreter, job: Job) -> Sequence[str]:
    """One trace in a hundred, sent to the service, which need not understand it."""
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": job.origin,
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(job.service.ca_file),
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.01",
    }
    given = [f"{name}={value}" for name, value in variables.items()]
    return ["env", *given, *authproxy(interpreter, job)]


def authproxy_version(interpreter: Interpreter) -> str:
    parts = interpreter.versions("aiofastnet", "hpack")
    ours = f"{interpreter.versions('authproxy')}, {interpreter.built()}"
    return f"{ours} ({parts}; {interpreter.describe()})"


def aiohttp(interpreter: Interpreter, job: Job) -> Sequence[str]:
    script = str(HERE / "plain_aiohttp.py")
    return [str(interpreter.python), script, str(job.port), job.origin, str(job.service.ca_file)]


def aiohttp_version(interpreter: Interpreter) -> str:
    return f"{interpreter.versions('aiohttp')} ({interpreter.describe()})"


def _configured(job: Job) -> Path:
    given = {
        "origin": job.origin,
        "ca_file": job.service.ca_file,
        "variable": TOKEN_VARIABLE,
    }
    config = job.folder / "authproxy.toml"
    config.write_text("".join(SERVICE.format(number=n, **given) for n in range(job.names)))
    return config
