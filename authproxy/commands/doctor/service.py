"""Checks of the service itself: a request with the token, and whether its caller is let in."""

from authproxy.commands.by_name import look_up
from authproxy.commands.doctor.http_probe import Answer, ask
from authproxy.commands.doctor.report import Result, failed, ok
from authproxy.commands.doctor.subject import Subject
from authproxy.commands.identities import api_source_of
from authproxy.config.files.secrets import resolve_secret
from authproxy.config.readers.egress_proxy import find_egress_for_tokens
from authproxy.exchange import NO_TOKEN, Token, make_field
from authproxy.identity.apis.client import GoogleApi
from authproxy.identity.apis.secret_manager import SecretManager
from authproxy.identity.token_cache.single_flight import mint_once
from authproxy.policy.google.advice import Advice, Situation, advise
from authproxy.policy.google.rejection import Rejection, judge
from authproxy.policy.messages.headers import service_rules, token_line
from authproxy.values import SecretRef

OF_ROLE = frozenset([Rejection.NOT_INVOKER, Rejection.IAP_NOT_ALLOWED])
"""The token was believed, and its owner turned away."""


async def check_probe(subject: Subject) -> Result:
    """A GET of the address itself: any answer of the application's own will do."""
    subject.answer = answer = await ask(subject.connector, await _lines(subject))
    path = subject.service.url.path
    rejection = find_rejection(answer, path)
    if rejection is None:
        return ok(f"GET {path}/ is answered by the application: {answer.status}")
    if rejection in OF_ROLE:
        return ok(
            f"GET {path}/ is answered by Google with {answer.status}; the token itself was accepted"
        )
    return _failed(advise(rejection, _situation(subject)), answer, subject)


async def check_role(subject: Subject) -> Result:
    if subject.answer is None:
        raise AssertionError("check_probe comes first")
    rejection = find_rejection(subject.answer, subject.service.url.path)
    if rejection in OF_ROLE:
        advice = advise(rejection, _situation(subject))
        return failed(advice.sentence, advice.command)
    principal = _token(subject).principal
    return ok(f"{principal} may call it" if principal else "it may be called without a token")


def find_rejection(answer: Answer, path: str = "") -> Rejection | None:
    """`path`: that of the service's address."""
    fields = [make_field(name.encode(), value.encode()) for name, value in answer.headers]
    return judge(answer.status, fields, answer.body, path=f"{path}/".encode())


async def check_lookup(subject: Subject) -> Result:
    """Where a service by name is; what comes after looks there."""
    name = subject.service.service
    subject.service = await look_up(subject.service, subject.settings, subject.machine)
    return ok(f"{name} is {subject.service.url}")


def _failed(advice: Advice, answer: Answer, subject: Subject) -> Result:
    """The last resort of advice is to run what is running already."""
    command = advice.command
    if command.startswith("authproxy doctor"):
        command = (
            f"Is {subject.audience} the address of this service? It is in:"
            f" gcloud run services describe {_situation(subject).target}"
            " --format='yaml(status.url,metadata.annotations)'"
        )
    return failed(f"Google answered {answer.status}: {advice.sentence}", command)


async def _lines(subject: Subject) -> bytes:
    """What authproxy puts on requests: keys and the token. Raises CredentialError, StartError."""
    service = subject.service
    rules = service_rules(
        authority=service.url.authority,
        token_header=service.header_for_token,
        secrets=[(name, await _secret(ref, subject)) for name, ref in service.secrets],
        add=service.add_headers,
    )
    return rules.extra + token_line(rules, _token(subject), has_authorization=False)


async def _secret(ref: SecretRef, subject: Subject) -> str:
    if ref.kind != "secret":
        return resolve_secret(ref, subject.environ).reveal()
    settings = subject.settings
    source = api_source_of(subject.service, settings, subject.machine)
    egress = find_egress_for_tokens(settings, subject.environ)
    api = GoogleApi(source, subject.machine.skew, egress=egress)
    found = await mint_once(SecretManager(api), ref.value, deadline_s=settings.timeouts.token)
    return found.value.reveal()


def _token(subject: Subject) -> Token:
    return subject.token or NO_TOKEN


def _situation(subject: Subject) -> Situation:
    token = _token(subject)
    return Situation(
        service=subject.name,
        origin=subject.service.url,
        audience=token.audience,
        principal=token.principal,
        source=token.source,
        expires_at=token.expires_at,
        issued_at=token.issued_at,
        now=subject.machine.skew.now(),
    )
