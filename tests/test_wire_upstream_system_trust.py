"""Where the system's certificates are read one by one."""

import asyncio
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme

from authproxy.wire.upstream.system_trust import folder_of_trust
from tests.support.raw import raw_service

AUTHORITY = trustme.CA()


def paths(file: Path | None, folder: Path | None) -> ssl.DefaultVerifyPaths:
    found: Any = [each and str(each) for each in (file, folder)]
    return ssl.DefaultVerifyPaths(found[0], found[1], "", "", "", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As update-ca-certificates leaves it, with a file of all certificates and links to each."""
    found = tmp_path / "certs"
    found.mkdir()
    for name, authority in (("a", AUTHORITY), ("b", trustme.CA())):
        authority.cert_pem.write_to_path(found / f"{name}.pem")
        authority.cert_pem.write_to_path(found / "ca-certificates.crt", append=True)
        hashed = subprocess.run(
            ["openssl", "x509", "-subject_hash", "-noout", "-in", found / f"{name}.pem"],
            capture_output=True,
            text=True,
            check=True,
        )
        number = sum(1 for _ in found.glob(f"{hashed.stdout.strip()}.*"))
        (found / f"{hashed.stdout.strip()}.{number}").symlink_to(f"{name}.pem")
    return found


def test_a_folder_with_all_that_its_file_has_is_used(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "cert.pem"
    link.symlink_to(folder / "ca-certificates.crt")

    assert str(folder) == folder_of_trust(paths(folder / "ca-certificates.crt", folder))
    assert str(folder) == folder_of_trust(paths(link, folder))


def test_a_file_to_which_others_were_added_is_read(folder: Path) -> None:
    file = folder / "ca-certificates.crt"
    trustme.CA().cert_pem.write_to_path(file, append=True)

    assert folder_of_trust(paths(file, folder)) is None


def test_a_file_elsewhere_is_read(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.pem"
    file.write_bytes((folder / "ca-certificates.crt").read_bytes())

    assert folder_of_trust(paths(file, folder)) is None


@pytest.mark.parametrize("missing", ["file", "folder", "both", "links"])
def test_without_one_of_them_openssl_does_as_ever(
    missing: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    file = tmp_path / "bare" / "ca.crt"
    file.write_bytes(AUTHORITY.cert_pem.bytes())
    given = {
        "file": paths(None, folder),
        "folder": paths(folder / "ca-certificates.crt", None),
        "both": paths(tmp_path / "a" / "x", tmp_path / "a"),
        "links": paths(file, file.parent),
    }

    assert folder_of_trust(given[missing]) is None


async def test_a_service_is_judged_by_what_is_in_the_folder(folder: Path) -> None:
    context = ssl.create_default_context(
        capath=folder_of_trust(paths(folder / "ca-certificates.crt", folder))
    )
    for authority, is_trusted in ((AUTHORITY, True), (trustme.CA(), False)):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(tls)
        async with raw_service(tls=tls) as service:
            try:
                _, writer = await asyncio.open_connection("localhost", service.port, ssl=context)
            except ssl.SSLCertVerificationError:
                assert not is_trusted
            else:
                writer.close()
                assert is_trusted

    assert 0 == ssl.create_default_context(capath=str(folder)).cert_store_stats()["x509"]
