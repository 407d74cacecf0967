"""What scripts/release refuses, and what it makes of its builds; .ci/run runs all of it."""

import hashlib
import io
import json
import runpy
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authproxy import __version__

ROOT = Path(__file__).parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "release.py"))
check_changelog: Callable[..., None] = SCRIPT["check_changelog"]
RefusedError: type[Exception] = SCRIPT["RefusedError"]


def changelog(*sections: str) -> str:
    return "# Changelog\n\n" + "\n".join(f"## {section}\n\n- A change.\n" for section in sections)


def refusal(version: str, text: str, *, is_rehearsal: bool = False) -> str:
    with pytest.raises(RefusedError) as caught:
        check_changelog(version, text, is_rehearsal=is_rehearsal)
    return str(caught.value)


def test_the_version_is_that_of_the_newest_section() -> None:
    released = changelog("1.2.0 - 2026-12-01", "1.1.0 - 2026-11-01")

    check_changelog("1.2.0", released, is_rehearsal=False)
    assert "authproxy/__init__.py says 1.3.0, but the newest released version in" in refusal(
        "1.3.0", released
    )
    assert "is 1.2.0; make both the same" in refusal("1.1.0", released)


def test_unreleased_changes_are_for_rehearsals_only() -> None:
    unreleased = changelog("Unreleased", "1.1.0 - 2026-11-01")

    check_changelog("1.2.0", unreleased, is_rehearsal=True)
    assert "there are unreleased changes; name their section '## 1.2.0 - " in refusal(
        "1.2.0", unreleased
    )


def test_an_empty_section_for_what_comes_next_may_stay() -> None:
    text = "# Changelog\n\n## Unreleased\n\n## 1.2.0 - 2026-12-01\n\n- A change.\n"

    check_changelog("1.2.0", text, is_rehearsal=False)


def test_a_rehearsal_knows_a_version_that_is_behind_its_changelog() -> None:
    unreleased = changelog("Unreleased", "1.10.0 - 2026-11-01")

    assert "says 1.9.0, but 1.10.0 was released already" in refusal(
        "1.9.0", unreleased, is_rehearsal=True
    )
    check_changelog("1.10.0", unreleased, is_rehearsal=True)


@pytest.mark.parametrize(
    "title", ["1.2.0", "[1.2.0] - 2026-12-01", "1.2.0 - 2026-13-01", "1.2 - 2026-12-01", "Soon"]
)
def test_a_heading_of_another_form_is_refused(title: str) -> None:
    assert f"'## {title}' should read like '## 1.2.3 - 2026-12-31'" in refusal(
        "1.2.0", changelog(title)
    )


def test_unreleased_changes_below_a_release_are_refused() -> None:
    assert "stands below a released version" in refusal(
        "1.2.0", changelog("1.2.0 - 2026-12-01", "Unreleased"), is_rehearsal=True
    )


def test_our_own_changelog_passes_the_rehearsal() -> None:
    assert __version__ == SCRIPT["version_in"]((ROOT / "authproxy/__init__.py").read_text())
    check_changelog(__version__, (ROOT / "CHANGELOG.md").read_text(), is_rehearsal=True)


def test_a_tree_that_differs_from_its_commit_is_refused(tmp_path: Path) -> None:
    """By the script itself, in a clone that holds a file more than the commit."""
    clone = tmp_path / "clone"
    for folder in ("scripts", "authproxy"):
        (clone / folder).mkdir(parents=True)
    for name in ("scripts/release.py", "authproxy/__init__.py", "CHANGELOG.md"):
        (clone / name).write_bytes((ROOT / name).read_bytes())
    git = ("git", "-C", clone, "-c", "user.name=n", "-c", "user.email=n@example.com")
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run([*git, *command], check=True)
    (clone / "left-behind.txt").touch()

    done = subprocess.run(
        [sys.executable, clone / "scripts/release.py", "--rehearse", "--into", tmp_path / "dist"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("scripts/release: these files differ from the last commit")
    assert done.stderr.endswith("\n?? left-behind.txt\n")
    assert not (tmp_path / "dist").exists()


def test_the_sums_are_those_that_sha256sum_reads(tmp_path: Path) -> None:
    (tmp_path / "b.whl").write_bytes(b"wheel")
    (tmp_path / "a.tar.gz").write_bytes(b"source")
    (tmp_path / "SHA256SUMS").write_text("an old one")

    assert [
        f"{hashlib.sha256(b'source').hexdigest()}  a.tar.gz",
        f"{hashlib.sha256(b'wheel').hexdigest()}  b.whl",
    ] == SCRIPT["checksums"](tmp_path).splitlines()


def pack(folder: Path, member: bytes, *, mtime: int = 0, extra: str | None = None) -> Path:
    """A wheel and a source archive with one member each, and a list of what is installed."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "x.whl", "w") as wheel:
        wheel.writestr(zipfile.ZipInfo("x/module.py"), member)
    with tarfile.open(folder / "x.tar.gz", "w:gz") as source:
        info = tarfile.TarInfo("x/module.py")
        info.size, info.mtime = len(member), mtime
        source.addfile(info, io.BytesIO(member))
    content = (folder / "x.tar.gz").read_bytes()
    (folder / "x.tar.gz").write_bytes(content[:4] + bytes(4) + content[8:])  # gzip's own time
    (folder / "x.cdx.json").write_bytes(member)
    if extra:
        (folder / extra).touch()
    return folder


def test_two_builds_with_the_same_bytes_do_not_differ(tmp_path: Path) -> None:
    first, second = pack(tmp_path / "1", b"same"), pack(tmp_path / "2", b"same")

    assert [] == list(SCRIPT["differences"](first, second))


def test_where_two_builds_differ_is_told_down_to_the_member(tmp_path: Path) -> None:
    first, second = pack(tmp_path / "1", b"one"), pack(tmp_path / "2", b"other", extra="y.whl")

    assert [
        "x.cdx.json: its text",
        "x.tar.gz: x/module.py",
        "x.whl: x/module.py",
        "y.whl: only one of the builds has it",
    ] == list(SCRIPT["differences"](first, second))


def test_a_time_that_got_into_an_archive_is_told(tmp_path: Path) -> None:
    first, second = pack(tmp_path / "1", b"same"), pack(tmp_path / "2", b"same", mtime=1)

    assert ["x.tar.gz: the same content, packed in another way"] == list(
        SCRIPT["differences"](first, second)
    )


def test_the_list_of_what_is_installed_gets_our_version_and_a_serial_of_the_commit() -> None:
    made = json.dumps({"metadata": {"component": {"name": "authproxy"}}, "components": []})

    def complete(version: str, commit: str) -> Any:
        return json.loads(SCRIPT["complete_sbom"](made, version, commit))

    sbom = complete("1.2.0", "abc")
    assert {"name": "authproxy", "version": "1.2.0"} == sbom["metadata"]["component"]
    assert sbom["serialNumber"].startswith("urn:uuid:")
    assert sbom == complete("1.2.0", "abc")
    serials = {complete(*made_of)["serialNumber"] for made_of in [("1.2.0", "d"), ("1.3.0", "abc")]}
    assert 2 == len(serials - {sbom["serialNumber"]})


def test_the_files_of_an_earlier_build_are_replaced_and_others_stay(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    for name in ("authproxy-0.0.1.tar.gz", "SHA256SUMS", "notes.txt"):
        (dist / name).write_text("old")
    built = tmp_path / "built"
    built.mkdir()
    for name in ("authproxy-0.1.0.tar.gz", "SHA256SUMS"):
        (built / name).write_text("new")

    SCRIPT["keep"](built, dist)

    assert ["SHA256SUMS", "authproxy-0.1.0.tar.gz", "notes.txt"] == sorted(
        path.name for path in dist.iterdir()
    )
    assert "new" == (dist / "SHA256SUMS").read_text()
