import subprocess
import sys
from pathlib import Path

import pytest

from authproxy.errors import StartError
from authproxy.workers.count import count_cpus, count_workers, find_crew
from authproxy.workers.crew import Crew
from tests.support.configuring import URL, settings


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("max 100000", None),
        ("100000 100000", 1),
        ("150000 100000", 2),
        ("20000 100000", 1),
        ("9900000 100000", None),
        ("", None),
    ],
)
def test_a_quota_of_a_container_bounds_the_count(
    text: str, count: int | None, tmp_path: Path
) -> None:
    every = count_cpus(tmp_path / "none")
    quota = tmp_path / "cpu.max"
    quota.write_text(text)

    assert every >= 1
    assert min(every, count or every) == count_cpus(quota)


def test_auto_is_one_for_each_cpu() -> None:
    assert count_cpus() == count_workers(settings(urls=[URL], flags={"--workers": "auto"}))


def test_one_worker_is_no_crew() -> None:
    assert find_crew(settings(urls=[URL])) is None


def test_several_are_a_crew() -> None:
    found = find_crew(settings(urls=[URL], flags={"--workers": "2"}))

    assert "<Crew [0 of 2 workers ready]>" == repr(found)


@pytest.mark.skipif(sys.platform != "linux", reason="others have no memory without a file")
def test_on_linux_several_need_no_folder_for_temporary_files() -> None:
    code = (
        "import tempfile; tempfile.tempdir = '/proc/nowhere'\n"
        "from authproxy.workers.crew import Crew\n"
        "print(Crew(2))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert ("<Crew [0 of 2 workers ready]>\n", "") == (found.stdout, found.stderr)


def test_memory_that_cannot_be_had_is_said() -> None:
    def make(_count: int) -> Crew:
        raise FileNotFoundError(2, "No usable temporary directory found")

    with pytest.raises(StartError, match="could share: No usable temporary directory") as caught:
        find_crew(settings(urls=[URL], flags={"--workers": "2"}), make)

    assert "TMPDIR" in caught.value.hint


def test_what_is_missing_with_several_is_refused() -> None:
    wanted = {"--workers": "2", "--inspect": "on", "--record-bodies": True}
    found = settings(urls=[URL], flags=wanted)

    with pytest.raises(
        StartError, match=r"with 2 workers there is no services.billing.record_bodies yet"
    ):
        count_workers(found)
