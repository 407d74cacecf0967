import ssl

from authproxy.identity.trust import judge_alike


def test_certificates_are_judged_alike_on_every_python() -> None:
    """Chain, name and dates; the form of RFC 5280 is demanded nowhere."""
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT

    judge_alike(context)

    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
