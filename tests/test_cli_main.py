import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from authproxy.cli.main import run
from authproxy.cli.version import describe
from authproxy.config.readers.setting_names import FLAGS
from authproxy.errors import CredentialError, StartError
from authproxy.settings import Settings
from tests.support.configuring import URL


class Served:
    """Stands in for the running proxy: keeps the settings that it was to run with."""

    def __init__(self, *, error: BaseException | None = None, code: int = 0) -> None:
        self.settings: list[Settings] = []
        self._error = error
        self._code = code

    def __call__(self, settings: Settings, on_ready: object = None, read: object = None) -> int:
        self.settings.append(settings)
        if self._error is not None:
            raise self._error
        return self._code


def served(*argv: str, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings that this command line would run with."""
    serve = Served()
    assert run(list(argv), environ=environ or {}, serve=serve) == 0
    [settings] = serve.settings
    return settings


@pytest.mark.parametrize(
    "argv", [("run", URL), (URL,), ("-l", "8080", URL), (URL, "-l", "8080"), ("--", URL)]
)
def test_run_may_be_left_out(argv: Sequence[str]) -> None:
    assert ["billing"] == list(served(*argv).services)


def test_every_flag_arrives_where_it_belongs(tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text("{}")
    found = served(
        *("-l", "81", "--listen", "unix:/s", "--allow", "10.0.0.1", "--allow", "::1"),
        *("--deny", "10.0.0.2", "--audience", "aud", "--token-header", "X-Token"),
        *("--credentials", f"file:{key}", "--impersonate", "a@b.iam", "--api-key", "env:KEY"),
        *("--log-format", "json", "--log-level", "debug", "--no-access-log", f"x={URL}"),
        environ={"KEY": "hunter2"},
    )
    service = found.services["x"]

    assert ["localhost:81", "unix:/s"] == [str(one) for one in found.listen]
    assert ["10.0.0.1/32", "::1/128"] == [str(one) for one in found.allow]
    assert ["10.0.0.2/32"] == [str(one) for one in found.deny]
    assert ("aud", "X-Token", "a@b.iam") == (
        service.audience,
        service.token_header,
        service.impersonate,
    )
    assert (f"file:{key}", "env:KEY") == (str(service.credentials), str(service.api_key))
    assert ("json", "debug", False) == (found.log.format, found.log.level, found.log.access)


def test_the_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(f'[services.a]\nurl = "{URL}"\n')

    assert ["a"] == list(served("-c", str(file)).services)
    assert ["a"] == list(served(environ={"AUTHPROXY_CONFIG": str(file)}).services)


def test_the_access_log_can_be_switched_on_over_the_environment() -> None:
    assert served("--access-log", URL, environ={"AUTHPROXY_ACCESS_LOG": "no"}).log.access


def test_the_exit_code_is_the_servers() -> None:
    assert 130 == run([URL], environ={}, serve=Served(code=130))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (StartError("port 80 is taken"), "authproxy: port 80 is taken\n"),
        (
            StartError("port 80 is taken", hint="Choose another one."),
            "authproxy: port 80 is taken\nauthproxy: Choose another one.\n",
        ),
        (
            CredentialError("No token.", hint="Log in."),
            "authproxy: No token.\nauthproxy: Log in.\n",
        ),
    ],
)
def test_a_failure_at_run_time_is_a_line_and_what_to_do(
    error: Exception, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == run([URL], environ={}, serve=Served(error=error))

    assert ("", expected) == capsys.readouterr()


def test_an_interrupted_start_has_the_exit_code_of_the_signal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert 130 == run([URL], environ={}, serve=Served(error=KeyboardInterrupt()))


@pytest.mark.parametrize("command", ["run", "check", "doctor"])
def test_every_problem_of_the_configuration_is_a_line(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    serve = Served()
    argv = [command, "--log-level", "loud", "--api-key", "hunter2", URL]

    assert 2 == run(argv, environ={}, serve=serve)

    assert [] == serve.settings
    assert (
        "",
        "authproxy: command line: --api-key: a key must not be written here; put it into an"
        " environment variable, a file or Secret Manager, and write env:NAME, file:PATH or"
        " secret:projects/PROJECT/secrets/NAME\n"
        "authproxy: command line: --log-level: must be one of debug, info, warning, error, not"
        ' "loud"\n'
        "authproxy: 2 problems in the configuration"
        f"{'; nothing was started' if command == 'run' else ''}\n",
    ) == capsys.readouterr()


def test_one_problem_is_counted_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(["ftp://x"], environ={}, serve=Served())

    assert capsys.readouterr().err.endswith(
        "authproxy: 1 problem in the configuration; nothing was started\n"
    )


def test_without_anything_to_do_two_lines_say_how_to_begin(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert 2 == run([], environ={"HOME": "/"}, serve=Served())

    assert (
        "",
        "Which service? Give its address, and clients then find it at http://localhost:8080:\n"
        "\n"
        "    authproxy https://SERVICE.run.app\n"
        "    curl http://localhost:8080/\n"
        "\n"
        "authproxy --help shows the rest; authproxy demo needs no service and no account.\n",
    ) == capsys.readouterr()


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["chek"], 'No such command "chek". Did you mean "check"?'),
        (["--lisen", "1"], "No such option"),
        (["status", "a", "b"], "Got unexpected extra argument (b)"),
        (["demo", "--token-life", "3"], "3 is not in the range 10<=x<=3600"),
        (["check", "--running", "-c", "a.toml"], "runs with; leave out -c, or --running"),
        (["check", "--running", "4040", "https://a"], "leave out the services, or --running"),
    ],
)
def test_a_mistake_in_usage_is_explained(
    argv: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(argv, environ={}, serve=Served())

    assert expected in capsys.readouterr().err


def test_check_says_what_would_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["check", URL], environ={}, serve=Served())

    out, err = capsys.readouterr()
    assert out.startswith("The configuration is good.\n")
    assert f"billing -> {URL}\n" in out
    assert err == ""


def test_status_says_whether_somebody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == run(["status", "unix:/proc/nowhere"], environ={}, serve=Served())

    assert capsys.readouterr().out.startswith(
        "authproxy: nothing answers at unix:/proc/nowhere: No such file or directory; is authproxy"
    )


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["--version"], environ={}, serve=Served())

    assert f"authproxy {describe()}\n" == capsys.readouterr().out


def test_help_has_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["--help"], environ={}, serve=Served())

    out = capsys.readouterr().out
    expected = (
        "check completion config demo doctor exec export key list login mcp run status tail token"
    )
    assert expected.split() == [
        line.split()[0] for line in out.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    ]
    assert "..." not in out.split("Commands:\n")[1]


@pytest.mark.parametrize("command", ["run", "check", "doctor"])
def test_help_has_every_flag(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run([command, "--help"], environ={}, serve=Served())

    out = capsys.readouterr().out
    assert [] == [flag for flag in (*FLAGS, "--config", "--no-access-log") if flag not in out]


def completed(*words: str) -> list[str]:
    environ = {
        **os.environ,
        "_AUTHPROXY_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["authproxy", *words]),
        "COMP_CWORD": str(len(words)),
    }
    found = subprocess.run(
        [sys.executable, "-m", "authproxy"], env=environ, capture_output=True, text=True, check=True
    )
    return [line.removeprefix("plain,") for line in found.stdout.splitlines()]


def test_the_shell_completes_commands_and_flags() -> None:
    assert ["check"] == completed("ch")
    assert ["--log-file", "--log-format", "--log-level"] == completed(URL, "--log")


def authproxy(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """As in a bare container: no home and hardly an environment."""
    return subprocess.run(
        [sys.executable, "-m", "authproxy", *argv],
        env={"PYTHONPATH": str(Path(__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_process_without_a_home_says_what_is_wrong_with_a_tilde(tmp_path: Path) -> None:
    found = authproxy("check", "--ca-file", "~no-such-user/x", URL, cwd=tmp_path)

    assert (2, "") == (found.returncode, found.stdout)
    assert 'authproxy: command line: --ca-file: "~no-such-user" has no home folder' in found.stderr


def test_a_port_that_is_taken_ends_the_run_with_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = authproxy("-l", f"127.0.0.1:{port}", "--credentials", "none", URL, cwd=tmp_path)

    assert (1, "") == (found.returncode, found.stdout)
    assert f"authproxy: cannot listen on 127.0.0.1:{port}: Address already in use\n" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": ""}, False),
    ],
)
def test_colours_pass_through_a_pipe_where_they_are_forced(
    environ: dict[str, str], coloured: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """click would take them out of what goes to no terminal."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    argv = ["doctor", "--credentials", "none", "https://a.example"]
    assert 12 == run(argv, environ={**environ, "HTTPS_PROXY": url})

    assert coloured == ("\x1b[31mfailed" in capsys.readouterr().out)


def test_nothing_is_written_anywhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    found = authproxy("check", URL, cwd=tmp_path)

    assert (0, "") == (found.returncode, found.stderr)
    assert [] == list(tmp_path.iterdir())
