"""The service behind every proxy: nginx over TLS 1.3, which demands the token."""

import base64
import json
import os
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from benchmarks.files import filled
from benchmarks.processes import free_port, program, running, wait_until_answers

HERE = Path(__file__).parent
MIB = 1 << 20
SMALL = b'{"message":"hello, world!"}'


class Role(StrEnum):
    """What a proxy is to carry; each is configured for it as who runs it would."""

    HTTP1 = "http1"
    HTTP2 = "http2"
    """On both sides: in clear to the client, over TLS to the service."""
    OPENING = "opening"
    """To a service that closes each connection after one answer."""
    TUNNEL = "tunnel"
    """Many WebSockets that are open and silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Where the service is, and what it takes to be let in."""

    ports: Mapping[Role, int]
    folder: Path
    token: str
    pid: int
    status_port: int = 0
    """Where nginx says how many requests there were."""

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def certificate(self) -> Path:
        """The service's own, with its key."""
        return self.folder / "service.pem"

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.ports[Role.HTTP1]}"


@contextmanager
def serving(folder: Path, core: int) -> Iterator[Service]:
    """Run the service on `core`, with its files and its own certificate authority in `folder`."""
    port, http2_port, opening_port, status_port = (free_port() for _ in range(4))
    token = throwaway_token(port)
    write_certificates(folder / "ca.pem", folder / "service.pem")
    (folder / "files").mkdir()
    (folder / "files" / "blob").write_bytes(secrets.token_bytes(MIB))
    values = {"PORT": str(port), "HTTP2_PORT": str(http2_port), "TOKEN": token}
    values |= {"OPENING_PORT": str(opening_port), "STATUS_PORT": str(status_port)}
    config = nginx_config(HERE / "service.conf", folder, {**values, "SMALL": SMALL.decode()})
    with running(nginx_command(config), core=core, log=folder / "log") as nginx:
        tls = trust(folder / "ca.pem")
        wait_until_answers(nginx, port, SMALL, headers=bearer(token), tls=tls)
        ports = {Role.HTTP1: port, Role.HTTP2: http2_port, Role.OPENING: opening_port}
        yield Service(
            ports=ports,
            folder=folder,
            token=token,
            pid=nginx.process.pid,
            status_port=status_port,
        )


def trust(ca_file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def nginx_config(template: Path, folder: Path, values: Mapping[str, str]) -> Path:
    """Fill in `@NAME@` and write the configuration into `folder`."""
    user = "user root;" if os.geteuid() == 0 else ""  # root's workers could not read the folder
    return filled(template, folder, {**values, "FOLDER": str(folder), "USER": user})


def nginx_command(config: Path) -> list[str]:
    nginx = program("nginx", hint="apt-get install nginx")
    return [nginx, "-e", "stderr", "-p", str(config.parent), "-c", str(config)]


def write_certificates(ca_file: Path, service_file: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(ca_file)
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(service_file)


def throwaway_token(port: int) -> str:
    """A token of the form and length of Google's, signed with a key that nobody keeps."""
    now = int(time.time())
    claims = {
        "aud": f"https://localhost:{port}",
        "azp": "100000000000000000000",
        "email": "benchmark@example.iam.gserviceaccount.com",
        "email_verified": True,
        "exp": now + 24 * 3600,
        "iat": now,
        "iss": "https://accounts.google.com",
        "sub": "100000000000000000000",
    }
    head = {"alg": "RS256", "kid": secrets.token_hex(20), "typ": "JWT"}
    unsigned = b".".join(_base64url(json.dumps(part).encode()) for part in (head, claims))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signature = key.sign(unsigned, padding.PKCS1v15(), hashes.SHA256())
    return (unsigned + b"." + _base64url(signature)).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
