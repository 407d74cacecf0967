import json

from authproxy.commands.doctor.rendering import as_json, as_text
from authproxy.commands.doctor.report import (
    Check,
    Finding,
    Report,
    failed,
    not_needed,
    not_run,
    ok,
)

ILL = Report(
    findings=[
        Finding(check=Check.CLOCK, result=ok("agrees")),
        Finding(check=Check.DNS, result=ok("a is 192.0.2.1"), service="a"),
        Finding(check=Check.GCLOUD, result=not_needed("no"), service="a"),
        Finding(check=Check.TOKEN, result=failed("none came", "gcloud auth login"), service="a"),
        Finding(check=Check.CLAIMS, result=not_run("token failed"), service="a"),
        Finding(check=Check.ROLE, result=failed("no role", "give it"), service="b"),
    ],
    urls={"a": "https://a", "b": "https://b"},
)
WELL = Report(findings=ILL.findings[:2], urls=ILL.urls)


def test_the_text_has_a_line_for_each_check_and_the_fix_of_the_first_failure() -> None:
    assert """\
  ok          clock        agrees

a https://a
  ok          dns          a is 192.0.2.1
  not needed  gcloud       no
  failed      token        none came
                           What to do: gcloud auth login
  not run     claims       token failed

b https://b
  failed      role         no role

Fix token of a first; it may be the cause of the rest.""" == as_text(ILL, colour=False)


def test_when_all_is_well_the_last_line_says_so() -> None:
    assert as_text(WELL, colour=False).endswith("\n\nNothing is wrong.")


def test_what_is_about_this_machine_has_no_name_in_the_last_line() -> None:
    report = Report(findings=[Finding(check=Check.CLOCK, result=failed("x", "y"))], urls={})

    assert "Fix clock first; it may be the cause of the rest" in as_text(report, colour=False)


def test_colours_are_green_and_red_and_change_no_column() -> None:
    text = as_text(ILL, colour=True)

    assert "  \x1b[32mok        \x1b[0m  clock        agrees" in text
    assert "  \x1b[31mfailed    \x1b[0m  token        none came" in text
    assert "  \x1b[2mnot run   \x1b[0m  claims " in text
    assert "\x1b" not in as_text(ILL, colour=False)


def test_json_has_all_of_it() -> None:
    shown = json.loads(as_json(ILL))

    assert (False, 16, ILL.urls) == (shown["ok"], shown["exit_code"], shown["services"])
    assert {
        "service": "a",
        "check": "token",
        "status": "failed",
        "message": "none came",
        "fix": "gcloud auth login",
    } == shown["first_failure"]
    assert 6 == len(shown["checks"])
    assert {
        "service": None,
        "check": "clock",
        "status": "ok",
        "message": "agrees",
        "fix": None,
    } == shown["checks"][0]


def test_json_of_the_healthy_names_no_failure() -> None:
    shown = json.loads(as_json(WELL))

    assert (True, 0, None) == (shown["ok"], shown["exit_code"], shown["first_failure"])


def test_what_somebody_else_said_steers_no_terminal() -> None:
    result = failed("I am \x1b[2J\nok", "do\r it")
    report = Report(findings=[Finding(check=Check.METADATA, result=result)], urls={})
    lines = as_text(report, colour=False).splitlines()

    assert "  failed      metadata     I am ?[2J?ok" == lines[0]
    assert lines[1].endswith("What to do: do? it")
