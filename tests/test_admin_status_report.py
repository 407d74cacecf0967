import json

from authproxy.admin.status_report import report, report_views
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.wire.status import PoolStatus, ServerStatus
from tests.support.admin import (
    BEARER,
    TROUBLE,
    PretendInside,
    admin_listener,
    service,
    token_status,
)

POOL = PoolStatus(
    origin="https://a.example",
    connecting=0,
    open=2,
    idle=1,
    waiting=0,
    limit=100,
    opened=7,
    failed=1,
    waits=0,
)
SERVER = ServerStatus(
    http1=3,
    http2=1,
    tunnels=0,
    arriving=0,
    accepted=9,
    handshakes=0,
    handshakes_failed=0,
    most=500,
    exchanges=2,
    streams=1,
    begun=40,
    draining=False,
    pools=(POOL,),
)


def test_a_report_can_be_written_as_json_whatever_there_is() -> None:
    endless = token_status()
    failing = token_status(TokenState.INVALID, trouble=TROUBLE)
    insides = [
        PretendInside(),
        PretendInside([service("a", endless, failing)], status=SERVER),
        PretendInside([], phase="starting"),
    ]

    for inside in insides:
        json.dumps(report(inside), allow_nan=False)


async def test_the_report_is_guarded_and_says_how_all_stands() -> None:
    failing = token_status(TokenState.INVALID, trouble=TROUBLE)
    inside = PretendInside([service("a", failing)], status=SERVER)
    async with admin_listener(report_views(inside, None)) as admin:
        refused = (await admin.ask("/api/status"))[0]
        _, _, text = await admin.ask("/api/status", **BEARER)

    found = json.loads(text)
    [row] = found["services"]
    assert 401 == refused
    assert ("serving", False) == (found["phase"], found["ready"])
    assert 3 == found["connections"]["http1"]
    assert ("a", False, 2) == (row["name"], row["ready"], row["pool"]["open"])
    assert "Google said no." == row["tokens"][0]["last_failure"]["message"]
