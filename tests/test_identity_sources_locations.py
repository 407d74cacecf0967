import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from authproxy.demo.world import World
from authproxy.errors import CredentialError
from authproxy.identity.sources.locations import (
    Location,
    adc_path,
    adc_paths,
    find_adc_place,
    find_auto_place,
    find_gcloud,
    metadata_answers,
)

NOWHERE = {"GCE_METADATA_HOST": "127.0.0.1:9"}
SHIM = str(Path(__file__).parent / "support")
NOBODY = 65534
LOGIN = "gcloud auth application-default login"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/me"}, "/home/me/.config/gcloud/application_default_credentials.json"),
        (
            {"HOME": "/home/me", "CLOUDSDK_CONFIG": "/etc/gcloud"},
            "/etc/gcloud/application_default_credentials.json",
        ),
        ({"HOME": ""}, "None"),
        ({}, "None"),
    ],
)
def test_gclouds_file_is_where_gcloud_writes_it(environ: dict[str, str], expected: str) -> None:
    assert expected == str(adc_path(environ))


# Is there a metadata server?


async def test_a_metadata_server_is_known_by_its_header(world: World) -> None:
    environ = {"GCE_METADATA_IP": f"127.0.0.1:{world.google.port}"}

    assert await asyncio.to_thread(metadata_answers, environ)


async def test_another_server_at_its_address_is_not_taken_for_it() -> None:
    application = web.Application()
    async with TestServer(application) as server:
        environ = {"GCE_METADATA_HOST": f"127.0.0.1:{server.port}"}

        assert not await asyncio.to_thread(metadata_answers, environ)


def test_nothing_at_its_address_is_no_metadata_server() -> None:
    assert not metadata_answers(NOWHERE)


def test_a_server_that_never_answers_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not metadata_answers({"GCE_METADATA_HOST": f"127.0.0.1:{silent.getsockname()[1]}"})


async def test_a_server_that_speaks_something_else_is_not_taken_for_it() -> None:
    def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        environ = {"GCE_METADATA_HOST": f"127.0.0.1:{server.sockets[0].getsockname()[1]}"}

        assert not await asyncio.to_thread(metadata_answers, environ)


def test_an_address_that_is_none_is_no_metadata_server() -> None:
    assert not metadata_answers({"GCE_METADATA_HOST": "127.0.0.1:port"})


# The first that is there


def found(environ: dict[str, str]) -> tuple[str, str]:
    place = find_auto_place(environ)
    return place.name, place.because


def test_what_the_environment_names_comes_first_whether_it_is_there_or_not(tmp_path: Path) -> None:
    written = tmp_path / "application_default_credentials.json"
    written.touch()
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": "/k", "CLOUDSDK_CONFIG": str(tmp_path)}

    assert ("file:/k", "GOOGLE_APPLICATION_CREDENTIALS names it") == found(environ)
    assert Location(kind="file", path=Path("/k"), name="GOOGLE_APPLICATION_CREDENTIALS=/k") == (
        find_adc_place(environ)
    )
    assert (Path("/k"), written) == adc_paths(environ)


def test_what_gcloud_wrote_comes_next(tmp_path: Path) -> None:
    written = tmp_path / "application_default_credentials.json"
    written.touch()
    environ = {"CLOUDSDK_CONFIG": str(tmp_path)}

    assert (f"file:{written}", f"{LOGIN} wrote it") == found(environ)
    assert Location(kind="file", path=written, name=str(written)) == find_adc_place(environ)


async def test_a_metadata_server_that_answers_comes_next(world: World) -> None:
    environ = {"GCE_METADATA_HOST": f"127.0.0.1:{world.google.port}", "PATH": SHIM}

    assert ("metadata", "the metadata server answers") == (await asyncio.to_thread(found, environ))


@pytest.mark.parametrize(
    ("variable", "because"),
    [
        ("K_SERVICE", "this is Cloud Run"),
        ("CLOUD_RUN_JOB", "this is a Cloud Run job"),
        (
            "KUBERNETES_SERVICE_HOST",
            "this is Kubernetes and nobody has logged in to gcloud",
        ),
    ],
)
def test_where_there_must_be_a_metadata_server_nobody_else_is_asked(
    variable: str, because: str, tmp_path: Path
) -> None:
    """In its first seconds it may refuse: gcloud on PATH would be somebody else, or nobody."""
    managed = {**NOWHERE, "PATH": SHIM, "CLOUDSDK_CONFIG": str(tmp_path), variable: "x"}

    assert ("metadata", because) == found(managed)
    assert ("metadata", because) == found({**managed, "PATH": "/proc/nowhere"})


def test_on_kubernetes_somebody_who_logged_in_to_gcloud_counts_more(tmp_path: Path) -> None:
    (tmp_path / "credentials.db").touch()
    environ = {**NOWHERE, "PATH": SHIM, "CLOUDSDK_CONFIG": str(tmp_path)}
    because = "gcloud is on PATH and nothing else was found"

    assert ("gcloud", because) == found({**environ, "KUBERNETES_SERVICE_HOST": "10.0.0.1"})


def test_gcloud_comes_last() -> None:
    because = "gcloud is on PATH and nothing else was found"

    assert ("gcloud", because) == found({**NOWHERE, "PATH": SHIM})
    assert (f"{SHIM}/gcloud", None) == (
        find_gcloud({"PATH": SHIM}),
        find_gcloud({"PATH": "/proc/nowhere"}),
    )


def test_where_nothing_is_found_everything_that_was_tried_is_told() -> None:
    with pytest.raises(CredentialError) as caught:
        find_auto_place({**NOWHERE, "PATH": "/proc/nowhere"})

    assert (
        "no credentials were found on this machine",
        f"Run: {LOGIN} -- What was looked for: GOOGLE_APPLICATION_CREDENTIALS is not set; gcloud"
        " has written no credentials file; no metadata server answers; gcloud is not on PATH"
        " (https://cloud.google.com/sdk/docs/install has it).",
        False,
    ) == (caught.value.message, caught.value.hint, caught.value.permanent)


# What is there and cannot be used


@contextmanager
def as_nobody() -> Iterator[None]:
    """What root may read says nothing about what others may."""
    before = os.geteuid()
    if before != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def hide(file: Path) -> None:
    file.touch()
    file.parent.chmod(0)


def forbid(file: Path) -> None:
    file.touch()
    file.chmod(0)
    file.parent.chmod(0o755)


UNUSABLE: list[tuple[str, Callable[[Path], object], str]] = [
    ("hidden", hide, "{file} cannot be read (Permission denied)"),
    ("forbidden", forbid, "{file} may not be read by user {uid}"),
    ("folder", Path.mkdir, "{file} is a folder"),
    ("pipe", os.mkfifo, "{file} is no plain file"),
    (
        "loop",
        lambda file: file.symlink_to(file),
        "{file} cannot be read (Too many levels of symbolic links)",
    ),
]


@pytest.fixture
def home() -> Iterator[Path]:
    """One that another user can get to."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "gcloud"
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


@pytest.mark.parametrize(
    ("make", "expected"), [case[1:] for case in UNUSABLE], ids=[case[0] for case in UNUSABLE]
)
def test_what_cannot_be_used_is_passed_over_and_told(
    make: Callable[[Path], object], expected: str, home: Path
) -> None:
    file = home / "application_default_credentials.json"
    make(file)
    environ = {**NOWHERE, "PATH": SHIM, "CLOUDSDK_CONFIG": str(home)}
    with as_nobody():
        expected = expected.format(file=file, uid=os.geteuid())
        auto, adc = find_auto_place(environ), find_adc_place(environ)
        with pytest.raises(CredentialError) as caught:
            find_auto_place({**environ, "PATH": "/proc/nowhere"})

    assert ("gcloud", (expected,)) == (auto.kind, auto.skipped)
    assert ("metadata", (expected,)) == (adc.kind, adc.skipped)
    assert f"is not set; {expected}; no metadata server" in caught.value.hint


def test_a_home_that_may_not_be_looked_into_does_not_stop_the_wait_for_the_metadata_server(
    home: Path,
) -> None:
    hide(home / "credentials.db")
    with as_nobody():
        place = find_auto_place({"CLOUDSDK_CONFIG": str(home), "KUBERNETES_SERVICE_HOST": "x"})

    assert "metadata" == place.kind


@pytest.mark.parametrize("name", ["a\0b", "/" + "x" * 300])
def test_a_home_that_is_no_path_is_passed_over(name: str) -> None:
    place = find_auto_place({**NOWHERE, "PATH": SHIM, "CLOUDSDK_CONFIG": name})

    assert ("gcloud", 1) == (place.kind, len(place.skipped))


def test_application_default_credentials_are_the_metadata_servers_in_the_end() -> None:
    assert Location(kind="metadata", name="metadata") == find_adc_place({})
