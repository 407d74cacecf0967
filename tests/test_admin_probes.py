"""Probes as a kubelet makes them."""

import asyncio
import json
from ipaddress import IPv4Address, IPv4Network

from authproxy.admin.deep import DeepChecks
from authproxy.admin.guard import AdminAccess
from authproxy.admin.inside import Phase
from authproxy.admin.probes import probe_views
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.policy.access.networks import AddressSet
from authproxy.tasks import Tasks
from tests.support.admin import TROUBLE, PretendInside, admin_listener, service, token_status

KUBELET = (
    b"GET /%b HTTP/1.1\r\nHost: 10.4.4.4:4040\r\nUser-Agent: kube-probe/1.31\r\nAccept: */*\r\n"
    b"Connection: close\r\n\r\n"
)
ACCESS = AdminAccess(allow=AddressSet([IPv4Network("10.0.0.0/8")]))


async def probe(inside: PretendInside, *paths: str) -> list[tuple[int, list[dict[str, object]]]]:
    """Status and lines of each answer to a kubelet, which waits for a second."""
    views = probe_views(inside, DeepChecks(inside.ask, Tasks()))
    found = []
    async with admin_listener(views, ACCESS) as admin, asyncio.timeout(len(paths)):
        admin.peer.append(IPv4Address("10.0.0.1"))
        for path in paths:
            reader, writer = await asyncio.open_connection("127.0.0.1", admin.port)
            writer.write(KUBELET % path.encode())
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
            writer.close()
            found.append((int(head[9:12]), [json.loads(line) for line in body.splitlines()]))
    return found


async def statuses(inside: PretendInside, *paths: str) -> list[int]:
    return [status for status, _ in await probe(inside, *paths)]


ALL = ("startup", "liveness", "readiness", "readiness?deep=1")


async def test_each_phase_has_its_answers() -> None:
    phases: tuple[Phase, ...] = ("starting", "serving", "draining")
    found = {phase: await statuses(PretendInside(phase=phase), *ALL) for phase in phases}

    assert {
        "starting": [503, 200, 503, 503],
        "serving": [200, 200, 200, 200],
        "draining": [200, 200, 503, 503],
    } == found


async def test_what_is_not_ready_says_why_on_a_line_for_each_service() -> None:
    states = [
        service("good"),
        service("bad", token_status(TokenState.INVALID, trouble=TROUBLE)),
        service("weak", token_status(TokenState.STALE, trouble=TROUBLE)),
    ]
    inside = PretendInside(states)
    [(status, lines), startup, liveness] = await probe(inside, "readiness", "startup", "liveness")

    assert 503 == status
    assert {"status": "not ready"} == lines[0]
    assert [("bad", False), ("weak", True)] == [(x["service"], x["ready"]) for x in lines[1:]]
    assert "Google said no. Sign in again." == lines[1]["why"]
    assert "me@x.example" == lines[1]["principal"]
    assert [200, 200] == [startup[0], liveness[0]]


async def test_whoever_is_not_ready_is_tried_again_for_no_request_will_come() -> None:
    inside = PretendInside(
        [service("a"), service("b", token_status(TokenState.INVALID, trouble=TROUBLE))]
    )

    await probe(inside, "readiness")

    assert ["retry b"] == inside.done


async def test_the_deep_check_asks_services_and_only_when_it_is_wanted() -> None:
    inside = PretendInside([service("a"), service("b")], broken={"b": "It cannot be reached."})
    shallow, deep = await probe(inside, "readiness?deep=0", "readiness?deep=1")

    assert [200, 503] == [shallow[0], deep[0]]
    assert ["b"] == [line["service"] for line in deep[1][1:]]
    assert "It cannot be reached." == deep[1][1]["why"]
    assert ["ask a", "ask b"] == inside.done
