"""`.ci/run` says by its exit code what it found, the soak in the background too."""

import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / ".ci" / "run"
MAKE = """
make() { echo soaking; %s; echo soaked; return %d; }
soak_beside
%s
step wait "$soak"
echo all is well
"""


def run(*, soak: str = ":", code: int = 0, beside: str = ":") -> tuple[int, str]:
    """The part of the soak alone, without `make`; `soak` and `beside`: what runs at the
    same time."""
    functions, _, _ = RUN.read_text().partition("\nstep install_programs\n")
    done = subprocess.run(
        ["bash", "-c", functions + MAKE % (soak, code, beside), str(RUN)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.returncode, done.stdout


def test_all_is_well_when_the_soak_is() -> None:
    code, said = run()

    assert (0, True) == (code, "all is well" in said)
    assert said.endswith("\n== the soak says\nsoaking\nsoaked\n")


@pytest.mark.parametrize(
    ("soak", "code", "beside", "expected"), [(":", 3, ":", 3), ("exec sleep 600", 0, "(exit 5)", 5)]
)
def test_what_fails_ends_the_run_with_its_code_and_the_soak_with_it(
    soak: str, code: int, beside: str, expected: int
) -> None:
    ended, said = run(soak=soak, code=code, beside=beside)

    assert (expected, False) == (ended, "all is well" in said)
    assert "\n== the soak says\n" in said
