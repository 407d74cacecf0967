"""The pretend Google: metadata server, token endpoints, IAM Credentials and public keys."""

import ssl
import time
from collections.abc import Callable
from email.utils import formatdate

from aiohttp import web

from authproxy.demo.accounts import METADATA_EMAIL, Accounts
from authproxy.demo.connect import ConnectProxy
from authproxy.demo.endpoint import Endpoint, Handler
from authproxy.demo.iam import IamCredentials, TokenExchange, rpc_error
from authproxy.demo.issuer import ISSUER, Issuer
from authproxy.demo.keys import KeyRing
from authproxy.demo.metadata import MetadataServer
from authproxy.demo.oauth import TokenEndpoint
from authproxy.demo.run_api import LOCATIONS_PATH, SERVICE_PATH, SERVICES_PATH, PretendRunApi
from authproxy.demo.secret_manager import PATH as SECRET_PATH
from authproxy.demo.secret_manager import PretendSecretManager

HOSTS = frozenset(
    [
        "oauth2.googleapis.com",
        "iamcredentials.googleapis.com",
        "sts.googleapis.com",
        "run.googleapis.com",
        "secretmanager.googleapis.com",
        "www.googleapis.com",
        "accounts.google.com",
    ]
)
SHUTDOWN_S = 0.1
IAM_PATH = "/v1/projects/-/serviceAccounts/{email}:{verb:generateIdToken|generateAccessToken}"


class PretendGoogle:
    """One program on one plain and one TLS port, answering for all of Google's hosts."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext,
        token_life_s: int = 60,
        metadata_email: str = METADATA_EMAIL,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.keys = KeyRing()
        self.accounts = Accounts(clock)
        self.issuer = Issuer(self.keys, clock, token_life_s)
        self.metadata = Endpoint("metadata")
        self.token = Endpoint("token")
        self.sts = Endpoint("sts")
        self.iam = Endpoint("iam")
        self.certs = Endpoint("certs")
        self.secrets = Endpoint("secrets")
        self.run = Endpoint("run")
        self.secret_manager = PretendSecretManager(self.accounts)
        self.run_api = PretendRunApi(self.accounts)
        self.metadata_server = MetadataServer(
            self.accounts.service_account(metadata_email),
            accounts=self.accounts,
            issuer=self.issuer,
            endpoint=self.metadata,
            clock=clock,
        )
        self.token_endpoint = TokenEndpoint(
            accounts=self.accounts, issuer=self.issuer, endpoint=self.token, clock=clock
        )
        self.port = 0
        """Plain HTTP: metadata server, and the `token_uri` of key files."""
        self.find_service_port: Callable[[str], int | None] = lambda _host: None
        """Where the CONNECT proxy leads host names that are not Google's."""
        self.connect_proxy = ConnectProxy(self._port_of)
        self._clock = clock
        self._tls = tls
        self._tls_port = 0
        self._runner: web.AppRunner | None = None

    def __repr__(self) -> str:
        mints = sum(endpoint.mints.total() for endpoint in self.endpoints)
        return f"<PretendGoogle port={self.port} [{mints} mints]>"

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return (
            self.metadata,
            self.token,
            self.sts,
            self.iam,
            self.certs,
            self.secrets,
            self.run,
        )

    def mints_of(self, audience: str) -> int:
        """ID tokens handed out for `audience`, by all endpoints together."""
        return sum(endpoint.mints[audience] for endpoint in self.endpoints)

    async def start(self) -> None:
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=SHUTDOWN_S)
        self._runner = runner
        await runner.setup()
        self.port = await _serve(runner, None)
        self._tls_port = await _serve(runner, self._tls)
        await self.connect_proxy.start()

    async def stop(self) -> None:
        await self.connect_proxy.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    def _port_of(self, host: str) -> int | None:
        return self._tls_port if host in HOSTS else self.find_service_port(host)

    def _application(self) -> web.Application:
        exchange = TokenExchange(
            accounts=self.accounts, endpoint=self.sts, life_s=self.issuer.life_s
        )
        iam = IamCredentials(accounts=self.accounts, issuer=self.issuer, endpoint=self.iam)
        application = web.Application()
        application.on_response_prepare.append(self._set_date)
        application.add_routes(self.metadata_server.routes())
        posts: dict[str, Handler] = {
            "/token": self.token.guard(self.token_endpoint.handle),
            "/v1/token": self.sts.guard(exchange.handle),
            "/v1/oauthtoken": self.sts.guard(exchange.refresh),
            IAM_PATH: self.iam.guard(iam.handle),
        }
        gets: dict[str, Handler] = {
            "/oauth2/v1/certs": self.certs.guard(self._pem_certificates),
            "/oauth2/v3/certs": self.certs.guard(self._json_keys),
            "/.well-known/openid-configuration": self.certs.guard(_discovery),
            # google-auth asks in the background where a principal may act; 404 is no answer.
            "/v1/{resource:.*}/allowedLocations": _not_found,
            SECRET_PATH: self.secrets.guard(self.secret_manager.handle),
            SERVICE_PATH: self.run.guard(self.run_api.service),
            SERVICES_PATH: self.run.guard(self.run_api.list),
            LOCATIONS_PATH: self.run.guard(self.run_api.locations),
        }
        application.add_routes([web.post(path, handler) for path, handler in posts.items()])
        application.add_routes([web.get(path, handler) for path, handler in gets.items()])
        return application

    async def _set_date(self, _request: web.Request, response: web.StreamResponse) -> None:
        """By this world's clock, so that a machine with another one can be played."""
        response.headers["Date"] = formatdate(self._clock(), usegmt=True)

    async def _pem_certificates(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(self.keys.certificates())

    async def _json_keys(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(self.keys.jwks())


async def _serve(runner: web.AppRunner, tls: ssl.SSLContext | None) -> int:
    """Serve on 127.0.0.1; return the port."""
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port: int = runner.addresses[-1][1]
    return port


async def _discovery(_request: web.Request) -> web.StreamResponse:
    return web.json_response(
        {
            "issuer": ISSUER,
            "token_endpoint": "https://oauth2.googleapis.com/token",
            "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


async def _not_found(_request: web.Request) -> web.StreamResponse:
    return rpc_error(404, "NOT_FOUND", "Requested entity was not found.")
