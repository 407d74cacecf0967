"""docs/transcripts.md says what the commands say today, and no secret."""

import re
import runpy
from pathlib import Path

import pytest

from authproxy.cli.examples import every_command
from authproxy.cli.main import main

ROOT = Path(__file__).parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "transcripts.py"))
SECTIONS = SCRIPT["SECTIONS"]
PAGE = SCRIPT["PAGE"].read_text()


@pytest.mark.prints_tokens
@pytest.mark.parametrize("section", SECTIONS, ids=[each.title for each in SECTIONS])
async def test_a_transcript_is_what_a_person_would_see_today(section: object) -> None:
    assert await SCRIPT["transcript"](section) in PAGE, "run scripts/transcripts.py --write"


def test_the_page_is_made_of_these_sections_and_each_command_is_in_one() -> None:
    titles = re.findall("^## (.*)$", PAGE, re.MULTILINE)
    commands = [path for path, _ in every_command(main, "authproxy") if " " in path]
    untried = [path for path in commands if not re.search(rf"\$ .*{path}\b", PAGE)]

    assert PAGE.startswith(SCRIPT["BEGIN"])
    assert [each.title for each in SECTIONS] == titles
    assert [] == untried


def test_no_token_and_no_key_is_on_the_page() -> None:
    assert not re.search(r"eyJ[\w-]{12}", PAGE)
    assert not re.search(r"apk_(?!THE-KEY|of_ci_in_this)", PAGE)


def test_what_differs_from_run_to_run_is_always_the_same() -> None:
    said = (
        "2027-03-04T05:06:07Z 05:06:07 GET /a 200 31 ms 683B [x, request 12ab34-7]\n"
        "token 0123abcd, issued 3 s ago, 57 s left; next try in 0.7 s\n"
        "at https://localhost:41234, /tmp/authproxy-demo-abc_12/ca.pem\n"
    )

    assert SCRIPT["replaced"](said) == (
        "2026-01-01T12:00:00Z 12:00:00 GET /a 200 5ms 99B [x, request c0ffee-7]\n"
        "token c0ffee00, issued 1 s ago, 3599 s left; next try in 1.0 s\n"
        "at https://localhost:8443, /tmp/world/ca.pem\n"
    )
