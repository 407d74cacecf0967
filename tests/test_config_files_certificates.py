import ssl
from pathlib import Path

import pytest
import trustme

from authproxy.config.files.certificates import KeyFileError, load_authorities, load_pair
from tests.support.certificates import Pair, encrypted, write_authority, write_pair
from tests.support.configuring import problems

AUTHORITY = trustme.CA()


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return write_pair(tmp_path, "localhost", authority=AUTHORITY)


def load(cert: Path, key: Path | None) -> None:
    load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), cert, key)


def test_a_pair_may_be_in_two_files_or_in_one(pair: Pair) -> None:
    load(pair.cert, pair.key)
    load(pair.both, None)
    load(pair.both, pair.both)


def test_a_file_without_a_certificate_is_named(pair: Pair) -> None:
    for file in (pair.key, None):
        with pytest.raises(ValueError, match=r"^there is no file|holds no PEM certificate") as told:
            load(file or pair.cert.parent / "gone.pem", pair.key)
        assert not isinstance(told.value, KeyFileError)


def test_a_damaged_certificate_is_named(pair: Pair) -> None:
    pair.cert.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

    with pytest.raises(ValueError, match=rf'^"{pair.cert}" and its key cannot be used: '):
        load(pair.cert, pair.key)


def test_a_key_of_another_certificate_is_told_with_both_names(pair: Pair) -> None:
    other = write_pair(pair.cert.parent, "localhost", authority=AUTHORITY, stem="other")

    with pytest.raises(KeyFileError) as told:
        load(pair.cert, other.key)

    expected = f'the key in "{other.key}" does not belong to the certificate in "{pair.cert}"'
    assert expected == str(told.value)


@pytest.mark.parametrize("traditional", [False, True])
def test_an_encrypted_key_is_told_with_the_way_out(pair: Pair, traditional: bool) -> None:
    pair.key.write_bytes(encrypted(pair.key, traditional=traditional))

    with pytest.raises(KeyFileError) as told:
        load(pair.cert, pair.key)

    assert str(told.value) == (
        f'the key in "{pair.key}" is encrypted, and authproxy cannot ask for its password; write'
        f' the key without one: openssl pkey -in "{pair.key}" -out KEY.pem'
    )


def test_a_file_without_a_key_is_told(pair: Pair) -> None:
    with pytest.raises(KeyFileError) as told:
        load(pair.cert, pair.cert)
    expected = f'"{pair.cert}" holds no PEM key; it must have a BEGIN PRIVATE KEY line'
    assert expected == str(told.value)

    with pytest.raises(KeyFileError) as told:
        load(pair.cert, None)
    assert f'"{pair.cert}" holds no PEM key; name the file that has it' == str(told.value)


def test_a_key_that_cannot_be_read_is_told(pair: Pair) -> None:
    pair.key.unlink()

    with pytest.raises(KeyFileError, match=rf'^there is no file "{pair.key}"$'):
        load(pair.cert, pair.key)


def test_authorities_are_certificates(pair: Pair) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    load_authorities(context, write_authority(pair.cert.parent, AUTHORITY))
    assert 1 == len(context.get_ca_certs())

    with pytest.raises(ValueError, match=r"holds no PEM certificate; "):
        load_authorities(context, pair.key)


def test_each_mistake_is_a_problem_of_the_setting_that_has_it(pair: Pair) -> None:
    other = write_pair(pair.cert.parent, "localhost", authority=AUTHORITY, stem="other")
    file = pair.cert.parent / "authproxy.toml"
    file.write_text(
        'tls_cert_file = "gone.pem"\n'
        "[services.a]\n"
        'url = "https://a.example"\n'
        'client_cert_file = "server.pem"\n'
        'client_key_file = "other.key"\n'
        "[services.b]\n"
        'url = "https://b.example"\n'
        'client_key_file = "other.key"\n'
        "[services.c]\n"
        'url = "https://c.example"\n'
        'client_cert_file = "server.pem"\n'
        "tls_min_version = 1.1\n"
    )
    assert other.key.exists()

    assert problems(file=file) == [
        'authproxy.toml:1: tls_cert_file: there is no file "gone.pem"',
        'authproxy.toml:5: services.a.client_key_file: the key in "other.key" does not belong to'
        ' the certificate in "server.pem"',
        "authproxy.toml:8: services.b.client_key_file: is a key without a certificate; add"
        " client_cert_file",
        'authproxy.toml:11: services.c.client_cert_file: "server.pem" holds no PEM key; name the'
        " file that has it",
        'authproxy.toml:12: services.c.tls_min_version: TLS 1.1 is not secure; write "1.2", the'
        " oldest that authproxy supports",
    ]
