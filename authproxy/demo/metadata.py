"""The metadata server of a Compute Engine machine, as far as identities go.

Headers and refusals as salrashid123/gce_metadata_server, a model of the real one, gives them.
"""

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from authproxy.demo.accounts import CLOUD_PLATFORM, PROJECT, PROJECT_NUMBER, Account, Accounts
from authproxy.demo.endpoint import Endpoint
from authproxy.demo.issuer import Issuer
from authproxy.demo.keys import parse_token

HEADERS = {
    "Metadata-Flavor": "Google",
    "Server": "Metadata Server for VM",
    "X-XSS-Protection": "0",
    "X-Frame-Options": "SAMEORIGIN",
}
FLAVOR_MISSING = 'Missing required header "Metadata-Flavor": "Google"'
AUDIENCE_MISSING = "non-empty audience parameter required"
# Only the status of this refusal is known, not its text.
FORWARDED = "Forwarded requests are not answered"

ROOT = "/computeMetadata/v1"
ACCOUNT = f"{ROOT}/instance/service-accounts/{{account}}"
TEXTS = {
    f"{ROOT}/project/project-id": PROJECT,
    f"{ROOT}/project/numeric-project-id": PROJECT_NUMBER,
    f"{ROOT}/instance/zone": f"projects/{PROJECT_NUMBER}/zones/europe-west4-a",
    f"{ROOT}/universe/universe-domain": "googleapis.com",
}
SCOPES = (CLOUD_PLATFORM,)

Answer = Callable[[web.Request], web.Response]


class MetadataServer:
    """Answers for the one service account that the pretend machine runs as."""

    def __init__(
        self,
        account: Account,
        *,
        accounts: Accounts,
        issuer: Issuer,
        endpoint: Endpoint,
        clock: Callable[[], float],
    ) -> None:
        self.account = account
        self.keep_until_s: float | None = None
        """Hand out the same token while it lives longer than this; None: a new one every time.

        Real servers keep access tokens until 300, older ones until 30 seconds before their end;
        whether they keep ID tokens too is not known.
        """
        self._accounts = accounts
        self._issuer = issuer
        self._endpoint = endpoint
        self._clock = clock
        self._kept: dict[tuple[str, str], str] = {}

    def routes(self) -> Iterable[web.RouteDef]:
        answers: dict[str, Answer] = {
            f"{ACCOUNT}/": self._describe,
            f"{ACCOUNT}/email": lambda _: _reply(self.account.email),
            f"{ACCOUNT}/scopes": lambda _: _reply("\n".join(SCOPES) + "\n"),
            f"{ACCOUNT}/identity": self._identity,
            f"{ACCOUNT}/token": self._token,
            **dict.fromkeys(TEXTS, lambda request: _reply(TEXTS[request.path])),
            "/computeMetadata/{tail:.*}": lambda _: _reply("Not Found", status=404),
        }
        yield web.get("/", self._endpoint.guard(_async(_ping)))
        for path, answer in answers.items():
            yield web.get(path, self._endpoint.guard(_async(self._checked(answer))))

    def _checked(self, answer: Answer) -> Answer:
        def checked(request: web.Request) -> web.Response:
            if "X-Forwarded-For" in request.headers:
                return _reply(FORWARDED, status=403)
            if request.headers.get("Metadata-Flavor") != "Google":
                return _reply(FLAVOR_MISSING, status=403)
            account = request.match_info.get("account", "default")
            if account not in ("default", self.account.email):
                return _reply("Not Found", status=404)
            return answer(request)

        return checked

    def _describe(self, request: web.Request) -> web.Response:
        if request.query.get("recursive", "").lower() != "true":
            return _reply("aliases\nemail\nidentity\nscopes\ntoken\n")
        about = {"aliases": ["default"], "email": self.account.email, "scopes": SCOPES}
        return web.json_response(about, headers=HEADERS)

    def _identity(self, request: web.Request) -> web.Response:
        audience = request.query.get("audience", "")
        if not audience:
            return _reply(AUDIENCE_MISSING, status=400)
        token = self._id_token(audience, request.query.get("format", "standard"))
        return _reply(token, content_type="text/html")

    def _id_token(self, audience: str, form: str) -> str:
        kept = self._kept.get((audience, form))
        if kept is not None and self._still_kept(kept):
            return kept
        self._endpoint.mints[audience] += 1
        if form == "full":
            token = self._issuer.instance_token(self.account, audience)
        else:
            token = self._issuer.service_account_token(self.account, audience, email=False)
        self._kept[audience, form] = token
        return token

    def _still_kept(self, token: str) -> bool:
        expires_at: float = parse_token(token).claims["exp"]
        return self.keep_until_s is not None and expires_at - self._clock() > self.keep_until_s

    def _token(self, request: web.Request) -> web.Response:
        scopes = request.query.get("scopes", ",".join(SCOPES)).split(",")
        life_s = self._issuer.life_s
        token = self._accounts.issue_access_token(self.account, scopes, life_s)
        self._endpoint.mints["access_token"] += 1
        body = {"access_token": token, "expires_in": life_s, "token_type": "Bearer"}
        return web.json_response(body, headers=HEADERS)


def _ping(request: web.Request) -> web.Response:
    if "X-Forwarded-For" in request.headers:
        return _reply(FORWARDED, status=403)
    return _reply("computeMetadata/\n")


def _reply(text: str, status: int = 200, content_type: str = "application/text") -> web.Response:
    return web.Response(text=text, status=status, content_type=content_type, headers=HEADERS)


def _async(answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handler(request: web.Request) -> web.StreamResponse:
        return answer(request)

    return handler
