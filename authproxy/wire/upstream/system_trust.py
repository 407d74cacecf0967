"""Trust of the system, where its certificates can be read one by one."""

import re
import ssl
from pathlib import Path

_BEGIN = b"-----BEGIN CERTIFICATE-----"
_LINK = re.compile(r"[0-9a-f]{8}\.\d+")
"""Names that OpenSSL looks for: a hash of the certificate's subject, and a number."""


def folder_of_trust(paths: ssl.DefaultVerifyPaths | None = None) -> str | None:
    """The folder in which OpenSSL finds each certificate when a service needs it; None where it is
    to read the file with all of them, as it does by itself.

    That takes 20 ms and a MiB, for a hundred certificates of which one is used. The file must be
    the folder's own, as Debian and Alpine make it, and have as many certificates: to images others
    are added, often to the file alone.
    """
    paths = paths or ssl.get_default_verify_paths()
    if not paths.cafile or not paths.capath:  # None, where there is none
        return None
    try:
        file, folder = Path(paths.cafile).resolve(), Path(paths.capath).resolve()
        if file.parent != folder:
            return None
        links = sum(_LINK.fullmatch(each.name) is not None for each in folder.iterdir())
        return paths.capath if links == file.read_bytes().count(_BEGIN) else None
    except (OSError, ValueError):
        return None
