"""TLS contexts: what they demand and offer, and files that cannot be used."""

import ssl
from pathlib import Path

import pytest

from authproxy.errors import StartError
from authproxy.wire.tls import ServiceTls, service_context


def test_name_and_certificate_are_always_checked() -> None:
    context = service_context(ServiceTls(), "http/1.1")

    assert context.check_hostname
    assert ssl.CERT_REQUIRED == context.verify_mode
    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version


def test_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")

    with pytest.raises(StartError, match=f"^ca_file {file} cannot be used: ") as caught:
        service_context(ServiceTls(ca_file=file), "http/1.1")

    assert "It must be a readable file of certificates in PEM form." == caught.value.hint
