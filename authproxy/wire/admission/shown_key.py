"""The key that a client shows, where its listener asks for one."""

import time
from hmac import compare_digest

from authproxy.errors import Refused
from authproxy.exchange import RequestHead
from authproxy.policy.access.inbound_keys import InboundKey, KeyRing
from authproxy.policy.access.networks import Address
from authproxy.wire import refusals
from authproxy.wire.admission.listener_rules import ListenerRules


class ShownKey:
    """Key check of one connection: a good key that is shown again is not looked up again."""

    __slots__ = ("_good", "_rules", "key")

    def __init__(self, rules: ListenerRules) -> None:
        self._rules = rules
        self.key: InboundKey | None = None
        """That of the last request; None where none was shown, or none is asked for."""
        self._good: tuple[bytes, InboundKey] | None = None
        """What was shown as a good one, and which it is."""

    @property
    def name(self) -> str:
        """Empty where none was shown."""
        return self.key.name if self.key is not None else ""

    @property
    def is_missing(self) -> bool:
        """One is asked for, and none was shown."""
        return self._rules.keys is not None and self.key is None

    def forget(self) -> None:
        """The rules are new: what was found by the old ones counts no more."""
        self._good = None

    def drop(self) -> None:
        """Another request: it has shown nothing yet."""
        self.key = None

    def find(self, head: RequestHead, address: Address | None) -> None:
        """Which one does the client at `address` show, if any? Raises Refused for what is none."""
        if self._rules.keys is not None:
            self.key = self._find(head, self._rules.keys, address)

    def _find(self, head: RequestHead, keys: KeyRing, address: Address | None) -> InboundKey | None:
        """None when there is no key; what is none must wait, after some of them."""
        rules = self._rules
        values = [value for name, value, _ in head.headers if name == rules.key_header]
        if not values:
            return None
        if self._good is not None and compare_digest(b",".join(values), self._good[0]):
            return self._good[1]
        now = time.monotonic()
        wait_s = rules.wrong_keys.wait_s(address, now)
        if wait_s:
            raise refusals.too_many_wrong_keys(wait_s)
        key = keys.find(values)
        if key is None:
            rules.wrong_keys.note(address, now)
            raise refusals.key_required(rules.key_header, detail="the key is not known")
        rules.wrong_keys.forget(address)
        self._good = values[0], key
        return key

    def check(self, service: str) -> None:
        """Does it open the service of this name? Raises Refused."""
        if self._rules.keys is None:
            return
        if self.key is None:
            raise refusals.key_required(self._rules.key_header)
        if not self.key.opens(service):
            raise refusals.key_not_allowed(self.key.name, service)

    def find_loss(self, key: InboundKey | None, service: str) -> Refused | None:
        """Why what was let in by `key` to the service of this name may not go on."""
        keys = self._rules.keys
        if key is None:
            return None
        if keys is None:
            return refusals.acts_as_another(key.name) if key.account else None
        again = keys.find_again(key)
        if again is None:
            return refusals.key_required(
                self._rules.key_header, detail=f"the key {key.name} was taken out"
            )
        if not again.opens(service):
            return refusals.key_not_allowed(key.name, service)
        return None if again.account == key.account else refusals.acts_as_another(key.name)

    def __repr__(self) -> str:
        return f"<ShownKey [{self.name or 'none'}]>"
