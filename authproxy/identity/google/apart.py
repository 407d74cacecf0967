"""Asks Google in a process apart, where there is one: questions and answers as plain values.

What is asked and answered holds secrets. It goes through pipes that no other process has; nothing
of it is in arguments, in the environment or in a file.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authproxy.errors import Code, CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.apart.helper import Helper
from authproxy.identity.apart.pipe_frames import BrokenFrameError, Message
from authproxy.identity.apart.process import LostError, NoProcessError
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.credentials import METADATA, Order, carry_out
from authproxy.identity.google.egress import Egress
from authproxy.identity.google.errors import RequestContext, translate
from authproxy.identity.google.transport import Request
from authproxy.values import EgressProxy, EgressSpec, parse_egress_url

PROGRAM_S = 30.0
"""google-auth waits so long for a program that gives subject tokens, unless its file says else."""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """An answer of one of Google's APIs."""

    status: int
    data: bytes


def mint(order: Order, skew: Skew, helper: Helper | None) -> Token:
    """Raises CredentialError."""
    if helper is not None:
        question = {"mint": written_order(order), "offset_s": skew.offset_s}
        answer = _asked(helper, question, order.source, skew, more_s=_more_s(order))
        if answer is not None:
            return _token(answer["token"], order.source)
    return carry_out(order, skew)


def get(
    url: str,
    fields: Mapping[str, str],
    *,
    api: str,
    skew: Skew,
    egress: Egress,
    helper: Helper | None,
) -> ApiAnswer:
    """What is at `url`. `api` is its name, for messages. Raises CredentialError."""
    if helper is not None:
        asked = {"url": url, "fields": dict(fields), "api": api, "egress": _written_egress(egress)}
        answer = _asked(helper, {"get": asked, "offset_s": skew.offset_s}, api, skew)
        if answer is not None:
            return ApiAnswer(int(answer["status"]), base64.b64decode(answer["data"]))
    return get_here(url, fields, api=api, skew=skew, egress=egress)


def get_here(
    url: str, fields: Mapping[str, str], *, api: str, skew: Skew, egress: Egress
) -> ApiAnswer:
    """As `get`, in this process."""
    request = Request(direct=False, skew=skew, egress=egress)
    try:
        answer = request(url, headers=fields)
        return ApiAnswer(answer.status, answer.data)
    except Exception as error:  # noqa: BLE001 -- google-auth lets others' exceptions through
        context = RequestContext(source=api, status=request.status, pause_s=request.pause_s)
        raise translate(error, context) from None
    finally:
        request.close()


def written_order(order: Order) -> Message:
    return {
        "source": order.source,
        "audience": order.audience,
        "info": None if order.info is METADATA else order.info,
        "impersonate": order.impersonate,
        "delegates": list(order.delegates),
        "scopes": list(order.scopes),
        "egress": _written_egress(order.egress),
    }


def read_order(written: Mapping[str, Any]) -> Order:
    info = METADATA if written["info"] is None else written["info"]
    return Order(**{**written, "info": info, "egress": read_egress(written["egress"])})


def written_token(token: Token) -> Message:
    return {
        "value": token.value.reveal(),
        "expires_at": token.expires_at,
        "audience": token.audience,
        "principal": token.principal,
        "issued_at": token.issued_at,
    }


def written_error(error: CredentialError) -> Message:
    return {
        "message": error.message,
        "hint": error.hint,
        "detail": error.detail,
        "permanent": error.permanent,
        "retry_after_s": error.retry_after_s,
        "pause_s": error.pause_s,
        "code": error.code,
    }


def read_egress(written: Mapping[str, str]) -> Egress:
    if "url" in written:
        return parse_egress_url(written["url"])
    return EgressSpec("none" if written["kind"] == "none" else "auto")


def _written_egress(egress: Egress) -> Mapping[str, str]:
    if isinstance(egress, EgressProxy):
        return {"url": egress.url.reveal()}
    return {"kind": egress.kind}


def _asked(
    helper: Helper, question: Message, source: str, skew: Skew, *, more_s: float = 0.0
) -> Message | None:
    """What was found; None where no process can be asked. Raises CredentialError."""
    try:
        answer = helper.ask(question, more_s=more_s)
        for date, sent_at in answer["heard"]:
            skew.heard(str(date), sent_at=float(sent_at))
        if "error" in answer:
            written = answer["error"]
            raise CredentialError(**{**written, "code": Code(written["code"])})
        found: Message = answer["found"]
        return found
    except (NoProcessError, BrokenFrameError):
        return None
    except TimeoutError:
        raise CredentialError(
            f"{source} has not answered within {helper.deadline_s + more_s:g} seconds",
            hint="Is the network slow or down?",
        ) from None
    except LostError as error:
        raise CredentialError(
            f"{source}: the process that fetches tokens has ended ({error})",
            hint="Is there enough memory? It takes about 45 MiB for some seconds.",
        ) from None
    except (KeyError, TypeError, ValueError):
        raise CredentialError(
            f"{source}: the process that fetches tokens gave something that is no answer",
            hint="Was authproxy replaced while it runs? Then start it anew.",
        ) from None


def _token(written: Mapping[str, Any], source: str) -> Token:
    value = Secret(str(written["value"]))
    return Token(**{**written, "value": value, "source": source})


def _more_s(order: Order) -> float:
    """A program may take longer than a request."""
    place = order.info.get("credential_source")
    program = place.get("executable") if isinstance(place, Mapping) else None
    if not isinstance(program, Mapping):
        return 0.0
    milliseconds = program.get("timeout_millis")
    return milliseconds / 1000 if isinstance(milliseconds, int) else PROGRAM_S
