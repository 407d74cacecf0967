"""Rules by which certificates are judged, of services and of Google."""

import ssl


def judge_alike(context: ssl.SSLContext) -> None:
    """Let certificates be judged the same on every Python: chain, name and dates.

    Since 3.13 the default also demands the form of RFC 5280, which the authorities of inspecting
    proxies often lack, and takes an intermediate certificate for an anchor, as curl does.
    """
    lax = context.verify_flags & ~ssl.VERIFY_X509_STRICT
    context.verify_flags = lax | ssl.VERIFY_X509_PARTIAL_CHAIN
