"""Messages of gRPC as texts that may be kept: as JSON with the names that the service gives to its
fields, where those are known, else as an outline without anything that could be a secret."""

import json
from collections import OrderedDict

from authproxy.inspector.protobuf.descriptions import Descriptions
from authproxy.inspector.protobuf.naming import named
from authproxy.inspector.protobuf.outline import outline
from authproxy.inspector.protobuf.scanning import NotProtobuf
from authproxy.inspector.redaction.redactor import Redactor
from authproxy.inspector.redaction.structured import redact_json

MOST_KNOWN = 8
"""Descriptions that are kept: each may take some megabytes."""


class MessageTexts:
    """For all calls of one run."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known: OrderedDict[tuple[str, str], Descriptions] = OrderedDict()

    def learn(self, service: str, grpc_service: str, known: Descriptions) -> None:
        """From now on messages of these calls have names."""
        self._known[service, grpc_service] = known
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def knows(self, service: str, grpc_service: str) -> bool:
        return (service, grpc_service) in self._known

    def forget(self) -> None:
        """Services may have become others."""
        self._known.clear()

    def read(self, service: str, target: bytes, message: bytes, *, is_request: bool) -> str:
        """JSON. Empty where it is no message of Protocol Buffers."""
        grpc_service, method = called(target)
        known = self._known.get((service, grpc_service))
        digest = self._redactor.digest
        try:
            types = known and known.methods.get(f"{grpc_service}/{method}")
            if known is None or not types:
                return _written(outline(message, digest))
            found = _written(named(known, types[0 if is_request else 1], message, digest))
        except NotProtobuf:
            return ""
        kept = redact_json(self._redactor, found.encode("utf-8", "surrogatepass"))
        return kept.decode("utf-8", "replace")

    def __repr__(self) -> str:
        return f"<MessageTexts [{len(self._known)} described]>"


def called(target: bytes) -> tuple[str, str]:
    """The gRPC service, with its package, and the method; empty where it is no call."""
    path = target.partition(b"?")[0].decode("latin-1")
    before, _, method = path.rpartition("/")
    return before.rpartition("/")[2], method


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
