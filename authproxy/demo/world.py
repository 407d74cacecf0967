"""A small world to run authproxy in: the pretend Google, and services on the pretend Cloud Run."""

import json
import ssl
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from authproxy.demo import sample
from authproxy.demo.accounts import (
    ADC_CLIENT_ID,
    ADC_SCOPES,
    METADATA_EMAIL,
    PROJECT,
    WORKFORCE_POOL,
    Account,
)
from authproxy.demo.certificates import make_certificates
from authproxy.demo.cloudrun import App, PretendCloudRun
from authproxy.demo.google import PretendGoogle
from authproxy.demo.http2 import ALPN
from authproxy.demo.iam import PROVIDER, SUBJECT_TOKEN_TYPE, WORKFORCE_CLIENT
from authproxy.demo.keys import SigningKey

IMPERSONATION_URL = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts"


class World:
    """Servers on loopback, on free ports, with their files in a temporary directory.

    Use it with `async with`. The service `hello` runs from the start; its invoker is the service
    account of the metadata server unless told otherwise.
    """

    google: PretendGoogle
    cloud_run: PretendCloudRun
    directory: Path
    ca_file: Path

    def __init__(
        self,
        *,
        token_life_s: int = 60,
        app: App = sample.handle,
        invokers: Collection[str] = (METADATA_EMAIL,),
        custom_audiences: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._token_life_s = token_life_s
        self._app = app
        self._invokers = invokers
        self._custom_audiences = custom_audiences
        self._clock = clock
        self._stack = AsyncExitStack()
        self._services: list[PretendCloudRun] = []
        self._apis: dict[str, int] = {}
        self._files = 0

    def __repr__(self) -> str:
        return f"<World [{len(self._services)} services]>"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            temporary = tempfile.TemporaryDirectory(prefix="authproxy-demo-")
            self.directory = Path(stack.enter_context(temporary))
            certificates = make_certificates(self.directory)
            self.ca_file = certificates.ca_file
            self._tls = certificates.server_context()
            self._front_tls = certificates.server_context(*ALPN)
            self.google = PretendGoogle(
                tls=self._tls, token_life_s=self._token_life_s, clock=self._clock
            )
            self.google.find_service_port = self._find_service_port
            stack.push_async_callback(self.google.stop)
            await self.google.start()
            self.cloud_run = self._new_service("hello", self._app, self._invokers)
            self.cloud_run.gate.custom_audiences |= set(self._custom_audiences)
            stack.push_async_callback(self.cloud_run.stop)
            await self.cloud_run.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @property
    def url(self) -> str:
        """Of the service `hello`; its default audience too."""
        return self.cloud_run.url

    @property
    def environment(self) -> dict[str, str]:
        """Makes unmodified google-auth in another process believe that this world is Google.

        Empty values stand for variables that must not be inherited.
        """
        metadata = f"127.0.0.1:{self.google.port}"
        proxy = f"http://127.0.0.1:{self.google.connect_proxy.port}"
        direct = "127.0.0.1,localhost,::1,169.254.169.254,metadata.google.internal"
        return {
            "GCE_METADATA_HOST": metadata,
            "GCE_METADATA_IP": metadata,
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "NO_PROXY": direct,
            "no_proxy": direct,
            "REQUESTS_CA_BUNDLE": str(self.ca_file),
            "CLOUDSDK_CONFIG": str(self.directory / "gcloud"),
            "GOOGLE_APPLICATION_CREDENTIALS": "",
            "GOOGLE_API_USE_CLIENT_CERTIFICATE": "false",
            "NO_GCE_CHECK": "false",
        }

    def client_context(self) -> ssl.SSLContext:
        """TLS for a client that trusts this world's authority and no other."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    async def add_service(
        self, name: str, *, app: App = sample.handle, invokers: Collection[str] = (METADATA_EMAIL,)
    ) -> PretendCloudRun:
        """Start one more service, on a port of its own."""
        service = self._new_service(name, app, invokers)
        self._stack.push_async_callback(service.stop)
        await service.start()
        return service

    async def add_api(self, host: str, app: App) -> None:
        """Answer for one more of Google's hosts; only the CONNECT proxy leads there.

        `host` must be in the certificate.
        """
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", app)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self._apis[host] = runner.addresses[0][1]

    def mint(
        self,
        *,
        audience: str | None = None,
        email: str = METADATA_EMAIL,
        is_user: bool = False,
        life_s: int | None = None,
        key: SigningKey | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """An ID token, right unless asked otherwise; `claims` replace single ones, None removes.

        A life below zero makes an expired token, a new `SigningKey()` a wrongly signed one.
        """
        issuer, account = self.google.issuer, self._account(email, is_user=is_user)
        wanted = audience if audience is not None else ADC_CLIENT_ID if is_user else self.url
        make = issuer.user_claims if is_user else issuer.service_account_claims
        body = make(account, wanted)
        if life_s is not None:
            body["exp"] = int(self._clock()) + life_s
            body["iat"] = min(body["iat"], body["exp"] - issuer.life_s)
        body |= claims or {}
        return issuer.sign({k: v for k, v in body.items() if v is not None}, key)

    def service_account_file(self, email: str) -> Path:
        """A new key file of a service account, as the console downloads it."""
        key = self.google.accounts.key(email)
        info = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": key.kid,
            "private_key": key.private_pem(),
            "client_email": email,
            "client_id": self.google.accounts.service_account(email).sub,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": f"http://127.0.0.1:{self.google.port}/token",
            "universe_domain": "googleapis.com",
        }
        return self._write("service-account", json.dumps(info))

    def user_adc_file(
        self, email: str, *, client_id: str = ADC_CLIENT_ID, scopes: tuple[str, ...] = ADC_SCOPES
    ) -> Path:
        """What `gcloud auth application-default login` writes. Needs HTTPS_PROXY to be used."""
        token, grant = self.google.accounts.grant(email, client_id=client_id, scopes=scopes)
        info = {
            "type": "authorized_user",
            "account": "",
            "client_id": grant.client_id,
            "client_secret": grant.client_secret,
            "refresh_token": token,
            "universe_domain": "googleapis.com",
        }
        return self._write("user", json.dumps(info))

    def impersonation_file(
        self, email: str, *, source: Path, delegates: tuple[str, ...] = ()
    ) -> Path:
        """What `gcloud auth application-default login --impersonate-service-account` writes."""
        info = {
            "type": "impersonated_service_account",
            "service_account_impersonation_url": f"{IMPERSONATION_URL}/{email}:generateAccessToken",
            "delegates": [f"projects/-/serviceAccounts/{name}" for name in delegates],
            "source_credentials": json.loads(source.read_text("utf-8")),
        }
        return self._write("impersonation", json.dumps(info))

    def wif_file(
        self,
        email: str | None,
        *,
        subject: str = "workload",
        place: Mapping[str, Any] | None = None,
        token_type: str = SUBJECT_TOKEN_TYPE,
    ) -> Path:
        """A workload identity federation file; `place` is where its subject token is to be had.

        Without `place` the token is in a file beside it. `email` is the service account to act as;
        give it to `accounts.federated_principal(subject)` with `allow_acting_as`. None: direct
        access, which cannot yield ID tokens.
        """
        if place is None:
            token = self._write("subject", self.google.accounts.subject_token(subject))
            place = {"file": str(token), "format": {"type": "text"}}
        info = {
            "type": "external_account",
            "universe_domain": "googleapis.com",
            "audience": PROVIDER,
            "subject_token_type": token_type,
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": place,
        }
        if email is not None:
            url = f"{IMPERSONATION_URL}/{email}:generateAccessToken"
            info["service_account_impersonation_url"] = url
        return self._write("federation", json.dumps(info))

    def workforce_file(self, subject: str) -> Path:
        """What a sign-in by way of a workforce identity pool leaves behind."""
        info = {
            "type": "external_account_authorized_user",
            "audience": f"//iam.googleapis.com/{WORKFORCE_POOL}/providers/demo",
            "refresh_token": self.google.accounts.workforce_token(subject),
            "token_url": "https://sts.googleapis.com/v1/oauthtoken",
            "token_info_url": "https://sts.googleapis.com/v1/introspect",
            "client_id": WORKFORCE_CLIENT,
            "client_secret": WORKFORCE_CLIENT,
        }
        return self._write("workforce", json.dumps(info))

    def _account(self, email: str, *, is_user: bool) -> Account:
        accounts = self.google.accounts
        return accounts.user(email) if is_user else accounts.service_account(email)

    def _new_service(self, name: str, app: App, invokers: Collection[str]) -> PretendCloudRun:
        service = PretendCloudRun(
            name=name,
            app=app,
            invokers=invokers,
            tls=self._front_tls,
            keys=self.google.keys,
            accounts=self.google.accounts,
            clock=self._clock,
        )
        self._services.append(service)
        return service

    def _find_service_port(self, host: str) -> int | None:
        found = (service.port for service in self._services if host in service.run_app_hosts)
        return self._apis.get(host) or next(found, None)

    def _write(self, name: str, text: str) -> Path:
        self._files += 1
        path = self.directory / f"{name}-{self._files}.json"
        path.touch(mode=0o600)
        path.write_text(text, "utf-8")
        return path
