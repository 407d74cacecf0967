import os
import shlex
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from authproxy.errors import CredentialError
from authproxy.identity.machine import Machine
from authproxy.identity.sources.command import Command
from tests.support.jwt import unsigned_jwt


def python(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


def failure(command_line: str, *, timeout_s: float = 20) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        Command(command_line, Machine(os.environ), timeout_s=timeout_s).mint("https://a")
    return caught.value


NAME = f"command:{Path(sys.executable).name}"


def test_what_a_command_prints_is_the_token() -> None:
    jwt = unsigned_jwt(aud="https://a")
    token = Command(python(f"print('{jwt}')"), Machine(os.environ)).mint("https://a")

    assert (jwt, "me@x.example", NAME) == (token.value.reveal(), token.principal, token.source)


def test_the_command_is_told_the_audience_and_gets_no_input() -> None:
    jwt = unsigned_jwt()
    code = (
        "import os, sys; assert os.environ['AUTHPROXY_AUDIENCE'] == 'https://a';"
        f"assert sys.stdin.read() == ''; print('{jwt}')"
    )

    assert jwt == Command(python(code), Machine(os.environ)).mint("https://a").value.reveal()


def test_no_shell_is_involved() -> None:
    jwt = unsigned_jwt()
    code = "import sys; print(sys.argv[1]) if sys.argv[2:] == ['$HOME;', '*'] else None"

    command = Command(python(code) + f" {jwt} '$HOME;' '*'", Machine(os.environ))
    assert jwt == command.mint("https://a").value.reveal()


def test_arguments_are_not_shown_in_the_name() -> None:
    assert "command:get-token" == Command("/opt/bin/get-token --password hunter2", Machine({})).name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("get 'token", "the command cannot be split into words: No closing quotation"),
        ("  ", "the command is empty"),
    ],
)
def test_a_command_line_that_is_none_is_refused_when_it_is_read(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Command(text, Machine({}))


def test_a_failing_command_is_an_error_with_its_first_words_for_the_log_only() -> None:
    error = failure(python("import sys; sys.exit('\\nno luck with eyJabc.def.ghi\\nmore')"))

    assert (
        f"{NAME}: the command ended with exit code 1",
        "Run it by hand; it must print an identity token and nothing else.",
        "no luck with ***",
    ) == (error.message, error.hint, error.detail)


def test_a_command_that_fails_in_silence_has_no_detail() -> None:
    assert "" == failure(python("import sys; sys.exit(3)")).detail


def test_an_error_line_counts_more_than_the_warnings_before_it() -> None:
    code = "import sys; sys.exit('WARNING: slow\\nERROR: (gcloud) no account')"

    assert "ERROR: (gcloud) no account" == failure(python(code)).detail


def test_a_command_that_prints_something_else_is_refused() -> None:
    assert f"{NAME} gave a page of HTML, not a token" == failure(python("print('<p>')")).message


def test_a_program_that_is_not_there_is_named() -> None:
    error = failure("no-such-program --flag")

    assert (
        "command:no-such-program: there is no program no-such-program on PATH",
        "Install it, or give its full path.",
        True,
    ) == (error.message, error.hint, error.permanent)


def test_a_file_that_is_no_program_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_text("\x7fELF nonsense")
    program.chmod(0o755)

    assert (
        "command:tool: the program cannot be started (Exec format error)"
        == failure(str(program)).message
    )


def test_a_command_that_hangs_is_killed_together_with_its_children() -> None:
    code = "import subprocess; subprocess.run(['sleep', '600'])"
    started = time.monotonic()
    error = failure(python(code), timeout_s=0.3)

    assert (
        f"{NAME}: the command gave no token within 0.3 seconds and was killed",
        "Run it by hand: does it wait for the network, or for input at the terminal?",
        True,
    ) == (error.message, error.hint, time.monotonic() - started < 30)


def test_a_command_is_never_run_twice_at_once(tmp_path: Path) -> None:
    code = (
        "import os, time; os.mkdir('busy'); time.sleep(0.1); os.rmdir('busy');"
        f" print('{unsigned_jwt(aud='https://a')}')"
    )
    line = shlex.join(["sh", "-c", f'cd "{tmp_path}" && exec {python(code)}'])
    command = Command(line, Machine(os.environ))
    with ThreadPoolExecutor() as threads:
        tokens = list(threads.map(command.mint, ["https://a", "https://b", "https://c"]))

    assert ["me@x.example"] * 3 == [token.principal for token in tokens]
