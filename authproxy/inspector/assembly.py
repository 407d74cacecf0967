"""All parts of the inspector that hear of exchanges, put together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from authproxy.exchange import Observer
from authproxy.inspector.bodies.grpc_texts import MessageTexts
from authproxy.inspector.recording.kept_heads import Heads, MemoryAccount
from authproxy.inspector.recording.observer import RecordingObserver
from authproxy.inspector.recording.pieces import ContentObserver
from authproxy.inspector.recording.record_maker import RecordMaker
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
    ids: dict[int, str]
    """Of exchanges that others have told of, by number."""
    texts: MessageTexts


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
    redactor, rates = Redactor(Names(secret_names)), ServiceRates()
    maker = RecordMaker(Heads(redactor, account), with_content)
    texts = MessageTexts(redactor)
    store = Store(memory, account, maker, rates)
    observers: list[Observer] = []
    if with_content:
        content = ContentObserver(store, maker, redactor, texts, with_content, body_bytes)
        observers.append(content)
    observers.append(RecordingObserver(store))
    return Recording(
        store=store,
        rates=rates,
        observers=observers,
        replays=maker.replays,
        ids=maker.ids,
        texts=texts,
    )
