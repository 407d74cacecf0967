from authproxy.policy.access import AccessList
from authproxy.policy.routes import Routes
from authproxy.values import LOOPBACK
from authproxy.wire.rules import ListenerRules


def test_rules_begin_with_their_first_version_and_trust_no_proxy() -> None:
    rules = ListenerRules(routes=Routes({}), access=AccessList(allow=LOOPBACK))

    assert (0, 0) == (rules.version, len(rules.trusted))
    assert "<ListenerRules [<Routes []>, version 0]>" == repr(rules)
