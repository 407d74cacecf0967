"""All parts of the inspector that hear of exchanges, put together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from authproxy.exchange import Observer
from authproxy.inspector.recording.kept_heads import Heads, MemoryAccount
from authproxy.inspector.recording.observer import RecordingObserver
from authproxy.inspector.recording.pieces import ContentObserver
from authproxy.inspector.recording.service_rates import ServiceRates
from authproxy.inspector.recording.store import Store
from authproxy.inspector.redaction.names import Names
from authproxy.inspector.redaction.redactor import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Store, rates and observers of one run."""

    store: Store
    rates: ServiceRates
    observers: Sequence[Observer]
    """In the order in which they must hear."""
    replays: dict[bytes, str]


def build_recording(
    *,
    memory: int,
    body_bytes: int,
    with_content: Collection[str],
    secret_names: Collection[str] = (),
) -> Recording:
    """`with_content`: services whose content is kept, at most `body_bytes` of each body;
    `secret_names`: of header fields, parameters and members that hold secrets, besides those that
    are known."""
    account = MemoryAccount()
    redactor = Redactor(Names(secret_names))
    store, rates = Store(memory, account), ServiceRates()
    recorder = RecordingObserver(store, Heads(redactor, account), rates)
    observers: list[Observer] = [recorder]
    if with_content:
        observers.insert(0, ContentObserver(store, redactor, with_content, body_bytes))
    return Recording(store=store, rates=rates, observers=observers, replays=recorder.replays)
