"""`run` in two processes: what the one reads, and what the other then knows."""

import ast
import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from authproxy.cli import read_apart
from authproxy.cli.main import main as commands
from authproxy.errors import ConfigError
from tests.support.configuring import URL
from tests.support.jwt import unsigned_jwt
from tests.support.program import UNWATCHED, Program, clean_environment, run_to_end

HEAVY = {"click", "pydantic", "authproxy.cli.main", "authproxy.config.loading"}
UNUSED = (
    # These have been put off, with what imports them. Before 3.13 `inspect` uses `ast` at once.
    *("bz2", "lzma", "shutil", *(["_ast"] if sys.version_info >= (3, 13) else [])),
    *("aiohttp", "concurrent.futures.thread", "http.client", "html", "multiprocessing", "rich"),
    *("google", "requests", "urllib3", "cryptography", "prometheus_client", "hpack"),
    *("authproxy.admin", "authproxy.authorizer.decisions", "authproxy.inspector", "authproxy.mcp"),
    *("authproxy.identity.apis.client", "authproxy.identity.google.credentials"),
    *("authproxy.identity.google.errors", "authproxy.identity.google.google_source"),
    *("authproxy.identity.sources.auto", "authproxy.identity.sources.command"),
    *("authproxy.identity.sources.gcloud", "authproxy.identity.sources.locations"),
    *("authproxy.config.changes", "authproxy.observe.access_log"),
    *("authproxy.wire.http2.connection", "authproxy.wire.listening.proxy_protocol"),
    "authproxy.workers.crew",
)
"""Of a service that is given finished tokens, by one listener, and no log of requests."""
FILE = f'listen = ["127.0.0.1:0"]\n[services.a]\nurl = "{URL}"\ncredentials = "none"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "authproxy.toml"
    path.write_text(FILE)
    return path


def children_of(pid: int) -> list[int]:
    """The one that reads, and as soon as it was started the one that may fetch tokens."""
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def test_all_commands_but_run_are_known() -> None:
    assert {*commands.commands} - {"run"} == {*read_apart.OTHERS}


@pytest.mark.parametrize(
    "argv", [[URL], ["run", URL], ["-c", "x.toml"], ["--listen", "1", URL], []]
)
def test_what_serves_is_read_apart(argv: list[str]) -> None:
    assert read_apart.is_run(argv)


@pytest.mark.parametrize("argv", [["token", URL], ["demo"], ["--help"], ["run", "-h"], ["-V"]])
def test_what_does_not_serve_is_not(argv: list[str]) -> None:
    assert not read_apart.is_run(argv)


def test_a_reload_reads_by_a_new_process(file: Path) -> None:
    file.write_text(FILE + 'deny = ["10.0.0.0/8"]\n')
    environ = clean_environment({"HOME": "/"})

    settings, warnings = read_apart.read_anew(["-c", str(file)], environ)

    assert [URL] == [str(service.url) for service in settings.services.values()]
    assert ["10.0.0.0/8"] == [str(each) for each in settings.services["a"].deny]
    assert ["no effect" in str(each) for each in warnings] == [True]


def test_a_reload_that_cannot_have_a_process_reads_by_itself(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(FILE + 'deny = ["10.0.0.0/8"]\n')

    for command in ([str(tmp_path / "python")], [sys.executable, "-c", "print('nonsense')"]):
        settings, warnings = read_apart.read_anew(["-c", str(file)], {"HOME": "/"}, command)

        assert ["a"] == [*settings.services]
        assert 1 == len(warnings)
    assert ("", "") == capsys.readouterr()


@pytest.mark.parametrize(
    "pickle",
    [
        b"cauthproxy.no_such_module\nFound\n.",
        b"cauthproxy.cli.read_apart\nNoSuchClass\n.",
        b"cauthproxy.cli.read_apart\nHandover\n(I1\ntR.",
        b"cbuiltins\ndict\n(I1\ntR.",
        b"h\x07.",
        b"\x80\x05",
        b"",
    ],
)
def test_a_reload_reads_by_itself_what_other_modules_have_written(
    file: Path, tmp_path: Path, pickle: bytes
) -> None:
    written = tmp_path / "pickle"
    written.write_bytes(pickle)

    settings, _ = read_apart.read_anew(["-c", str(file)], {"HOME": "/"}, ["cat", str(written)])

    assert ["a"] == [*settings.services]


@pytest.mark.parametrize("is_apart", [True, False])
def test_a_reload_says_every_problem(file: Path, tmp_path: Path, is_apart: bool) -> None:
    file.write_text(FILE + 'colour = "red"\nmethods = ["G T"]\n')
    command = None if is_apart else [str(tmp_path / "python")]

    with pytest.raises(ConfigError) as caught:
        read_apart.read_anew(["-c", str(file)], clean_environment(), command)

    assert [f"{file}:5", f"{file}:6"] == [problem.where for problem in caught.value.problems]


def test_arguments_that_make_no_sense_any_more_are_a_problem() -> None:
    with pytest.raises(ConfigError, match="reload: No such option"):
        read_apart.read_anew(["run", "--colour"], clean_environment())


async def test_what_reads_is_not_in_the_process_that_serves(file: Path, tmp_path: Path) -> None:
    """Not even after it has read its configuration anew."""
    async with Program("-c", file, environ=telling_modules(tmp_path)) as program:
        await asyncio.to_thread(file.write_text, FILE + 'methods = ["GET"]\n')
        program.signal(signal.SIGHUP)
        await program.hear("the configuration was reloaded")
        modules = await modules_of(program, tmp_path)

    assert "authproxy.runtime.app" in modules
    assert set() == HEAVY & modules


async def test_what_a_configuration_has_no_use_for_is_not_imported(tmp_path: Path) -> None:
    """Each is some memory, for good, and some milliseconds of the start."""
    file, token = tmp_path / "authproxy.toml", tmp_path / "token"
    token.write_text(unsigned_jwt())
    file.write_text(FILE.replace("none", f"token-file:{token}") + "[log]\naccess = false\n")

    async with Program("-c", file, environ=telling_modules(tmp_path)) as program:
        modules = await modules_of(program, tmp_path)

    assert "authproxy.identity.sources.ready_made" in modules
    assert set() == {*UNUSED} & modules


def telling_modules(tmp_path: Path) -> dict[str, str]:
    """An environ in which a process writes, when it ends, what it has imported."""
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, sys\n"
        f"seen = {str(tmp_path / 'seen')!r}\n"
        "atexit.register(lambda: open(seen, 'a').write(f'{[*sys.modules]}\\n'))\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    return UNWATCHED | {"PYTHONPATH": path}


async def modules_of(program: Program, tmp_path: Path) -> set[str]:
    """Ends it."""
    seen = tmp_path / "seen"
    seen.unlink(missing_ok=True)  # that of a process which has read for it
    program.signal(signal.SIGTERM)
    await program.wait()
    [modules] = (await asyncio.to_thread(seen.read_text)).splitlines()
    return {*ast.literal_eval(modules)}


async def test_a_mistake_is_said_once_and_nothing_is_started(file: Path) -> None:
    await asyncio.to_thread(file.write_text, FILE + 'colour = "red"\n')
    code, _, said = await run_to_end("-c", file)

    assert 2 == code
    assert 1 == said.count("colour")
    assert "1 problem in the configuration; nothing was started" in said


def test_a_process_that_was_killed_while_it_read_is_told_of(tmp_path: Path) -> None:
    pipe = tmp_path / "authproxy.toml"
    os.mkfifo(pipe)
    running = subprocess.Popen(
        [sys.executable, "-m", "authproxy", "-c", str(pipe)],
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    with pipe.open("w"):  # it reads now
        os.kill(children_of(running.pid)[0], signal.SIGKILL)
        _, said = running.communicate(timeout=30)

    assert 128 + signal.SIGKILL == running.returncode
    assert "authproxy: the process that read the configuration was ended by signal 9\n" == said


def test_exit_codes_are_known_where_whoever_started_us_ignores_those_of_children(
    tmp_path: Path,
) -> None:
    """As a shell with `trap '' CHLD`: that is inherited, and the system keeps no exit codes."""
    ignoring = ["sh", "-c", "trap '' CHLD; exec \"$@\"", "sh"]
    ended = subprocess.run(
        [*ignoring, sys.executable, "-m", "authproxy", "-c", str(tmp_path / "none.toml")],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert 2 == ended.returncode
    assert "Traceback" not in ended.stderr


def test_where_no_process_can_be_had_nothing_of_the_attempt_is_left(tmp_path: Path) -> None:
    program = """
import gc, json, os, sys
from authproxy.cli import read_apart
def refuse():
    raise BlockingIOError
os.fork = refuse
before = len(os.listdir("/proc/self/fd"))
code = read_apart.run(["-c", sys.argv[1]], os.environ)
print(json.dumps([code, gc.isenabled(), len(os.listdir("/proc/self/fd")) - before]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "none.toml")],
        env=clean_environment(),
        capture_output=True,
        timeout=30,
    )

    assert [2, True, 0] == json.loads(ended.stdout)


def test_half_of_what_was_read_is_not_used(tmp_path: Path) -> None:
    """More than fits into a pipe is written, while nobody takes it, by a process that is killed."""
    config, said = tmp_path / "authproxy.toml", tmp_path / "said"
    os.mkfifo(config)
    services = (
        f'[services.s{n}]\nurl = "https://{"a" * 50}{n}.example"\ncredentials = "none"\n'
        for n in range(1500)
    )
    with said.open("wb") as stderr:
        running = subprocess.Popen(
            [sys.executable, "-m", "authproxy", "-c", str(config)],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stderr=stderr,
        )
    with config.open("w") as file:
        child = children_of(running.pid)[0]
        running.send_signal(signal.SIGSTOP)
        there = Path(f"/proc/{running.pid}/fd")
        pipes = [at for at in there.iterdir() if at.readlink().name[:5] == "pipe:"]
        pipe = os.open(max(pipes, key=lambda at: int(at.name)), os.O_RDONLY)  # the newest
        file.write("".join(services))
    written, _, _ = select.select([pipe], [], [], 60)
    os.close(pipe)
    os.kill(child, signal.SIGKILL)
    running.send_signal(signal.SIGCONT)

    assert 128 + signal.SIGKILL == running.wait(30)
    assert [pipe] == written
    assert (
        "authproxy: the process that read the configuration was ended by signal 9\n"
        == said.read_text()
    )


def test_no_process_is_left_when_one_that_still_reads_is_told_to_stop(tmp_path: Path) -> None:
    pipe = tmp_path / "authproxy.toml"
    os.mkfifo(pipe)
    with (
        subprocess.Popen(
            [sys.executable, "-m", "authproxy", "-c", str(pipe)], env=clean_environment()
        ) as running,
        pipe.open("w"),
    ):
        ends = [os.pidfd_open(child) for child in children_of(running.pid)]
        running.terminate()
        running.wait(30)
        ended = [select.select([end], [], [], 30)[0] for end in ends]
        for end in ends:
            os.close(end)

    assert [[end] for end in ends] == ended
