"""What an operating system offers, or does not; `make test-bare` runs much more without it."""

import os
import subprocess
import sys
from pathlib import Path

from authproxy.identity.sources.gcloud import gcloud_folder
from authproxy.system import offers

BARE = Path(__file__).parent / "support" / "bare"


def test_flags_that_are_not_there_count_nothing() -> None:
    assert os.O_APPEND == offers.open_flags("O_APPEND", "O_FUTURE")


def test_where_users_have_no_numbers_messages_do_without() -> None:
    """In a process in which they have none."""
    shown = "from authproxy.system import offers as o; print(o.user_id(), o.this_user(), o.UNIX)"
    done = subprocess.run(
        [sys.executable, "-c", shown],
        env={**os.environ, "PYTHONPATH": f"{BARE}:{Path(__file__).parents[1]}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "None this user None\n" == done.stdout


def test_gcloud_keeps_its_files_below_appdata_where_there_is_no_home() -> None:
    assert Path("C:/roaming/gcloud") == gcloud_folder({"APPDATA": "C:/roaming"})
    assert Path("/home/a/.config/gcloud") == gcloud_folder({"HOME": "/home/a", "APPDATA": "C:/"})
