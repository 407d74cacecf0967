import json
from dataclasses import replace

import pytest

from authproxy.admin.inside import RequestCounts
from authproxy.admin.rates import Rate
from authproxy.admin.status_report import report
from authproxy.commands.status_table import show
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.identity.token_cache.status import Trouble
from tests.support.admin import TROUBLE, PretendInside, service, token_status
from tests.test_admin_status_report import SERVER

INSIDE = PretendInside(
    [
        service("billing"),
        service("reports", token_status(TokenState.INVALID, trouble=TROUBLE)),
    ],
    counted={"billing": RequestCounts(10, 1)},
)


def text(inside: PretendInside = INSIDE, rates: dict[str, Rate] | None = None) -> str:
    return json.dumps(report(inside, rates))


def test_there_is_a_row_for_each_service_and_a_reason_where_one_is_not_ready() -> None:
    said: list[str] = []
    show(
        text(rates={"billing": Rate(2.0, 0.25)}),
        said.append,
        at_terminal=False,
        environ={},
        now=lambda: 2e9 - 600,
    )

    assert said[0].endswith(" is not ready")
    assert said[1:] == [
        "listening at http://127.0.0.1:8080",
        "service  ready  principal     token          requests/s  errors/s  connections",
        "billing  yes    me@x.example  fresh, 10 min  2.0         0.2       -",
        "reports  no     me@x.example  none           0.0         0.0       -",
        "reports: Google said no. Sign in again.",
    ]


def test_each_further_account_that_keys_act_as_has_a_row() -> None:
    bad = replace(token_status(TokenState.INVALID, trouble=TROUBLE), account="bad@x.example")
    tokens = [token_status(), token_status(), replace(token_status(), account="ci@x.example"), bad]
    said: list[str] = []
    inside = PretendInside([service("billing", *tokens)])
    show(text(inside), said.append, at_terminal=False, environ={}, now=lambda: 2e9 - 600)

    assert said[2:] == [
        "service  ready  principal      token          requests/s  errors/s  connections",
        "billing  no     me@x.example   fresh, 10 min  -           -         -",
        "billing         ci@x.example   fresh, 10 min",
        "billing  no     bad@x.example  none",
        "billing: For keys that act as bad@x.example: Google said no. Sign in again.",
    ]


def test_a_service_that_is_asked_as_accounts_alone_names_the_first_before_its_token_comes() -> None:
    waiting = replace(token_status(TokenState.INVALID, obtained=0), account="ci@x.example")
    said: list[str] = []
    inside = PretendInside([service("billing", waiting)])
    show(text(inside), said.append, at_terminal=False, environ={})

    assert said[3].startswith("billing  no     ci@x.example  none")


def test_connections_are_told_when_they_are_known() -> None:
    said: list[str] = []
    show(
        text(PretendInside(status=SERVER)),
        said.append,
        at_terminal=False,
        environ={},
        now=lambda: 2e9 - 100,
    )

    assert (
        "clients: 3 by HTTP/1, 1 by HTTP/2, 0 tunnels; 2 requests in flight, 40 since the start"
        in said
    )
    assert said[-1].endswith("fresh, 100 s  -           -         1 of 2 in use")


def test_a_terminal_gets_a_drawn_table_and_nothing_is_taken_for_markup(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said: list[str] = []
    show(text(PretendInside([service("[red]a")])), said.append, at_terminal=True, environ={})

    drawn = capsys.readouterr().out
    assert "[red]a" in drawn
    assert "principal" in drawn
    assert said[0].endswith(" is ready")


def test_a_configuration_that_could_not_be_read_again_is_told_in_the_table() -> None:
    found = json.loads(text()) | {"reload_problems": ["a.toml:3: listen: \x1b[2J is wrong"]}
    said: list[str] = []
    show(json.dumps(found), said.append, at_terminal=False, environ={})

    assert [
        "the configuration could not be reloaded; that of before still runs:",
        "  a.toml:3: listen: \\u001b[2J is wrong",
    ] == said[1:3]


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({"TERM": "xterm"}, False),
        ({"TERM": "xterm", "FORCE_COLOR": "1"}, True),
        ({"TERM": "xterm", "FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"TERM": "xterm", "FORCE_COLOR": ""}, False),
    ],
)
def test_the_table_is_coloured_as_the_environment_wants_it(
    environ: dict[str, str], coloured: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    show(text(), lambda _line: None, at_terminal=True, environ=environ)

    assert coloured == ("\x1b[31m" in capsys.readouterr().out)


@pytest.mark.parametrize("at_terminal", [False, True])
def test_no_name_and_no_reason_steers_the_terminal(
    capsys: pytest.CaptureFixture[str], at_terminal: bool
) -> None:
    trouble = Trouble(message="It said \x1b[2J no.", hint="\x07", permanent=False)
    named = service("a\u202eb", token_status(TokenState.INVALID, trouble=trouble))
    said: list[str] = []
    show(text(PretendInside([named])), said.append, at_terminal=at_terminal, environ={})

    drawn = "".join(said) + capsys.readouterr().out
    assert "\\u001b[2J" in drawn
    assert "a\\u202eb" in drawn
    assert not any(char in drawn for char in "\x1b\x07\u202e")
