import asyncio

from authproxy.admin.deep import AT_ONCE, DeepChecks
from authproxy.admin.readiness import Health, ServiceHealth
from authproxy.tasks import Tasks
from tests.support.clock import FakeClock


class Asked:
    """Services that answer when the test lets them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at_once = self.most = 0
        self.goes_on = asyncio.Event()

    async def __call__(self, name: str) -> str:
        self.asked.append(name)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await self.goes_on.wait()
        self.at_once -= 1
        return "It is broken." if name == "broken" else ""


def of(*names: str, ready: bool = True) -> Health:
    services = tuple(ServiceHealth(name=name, ready=ready, why="") for name in names)
    return Health(phase="serving", services=services)


async def test_all_who_ask_share_one_look_and_its_result_for_a_while() -> None:
    asked, clock = Asked(), FakeClock()
    checks = DeepChecks(asked, Tasks(), clock=clock)
    looks = [asyncio.ensure_future(checks.look(of("a", "broken"))) for _ in range(50)]  # noqa: TID251 -- many at once
    await asyncio.sleep(0)
    asked.goes_on.set()
    found = [await look for look in looks]
    clock.advance(9.9)
    await checks.look(of("a"))
    before = list(asked.asked)
    clock.advance(0.2)
    await checks.look(of("a"))

    assert {(True, False)} == {tuple(s.ready for s in each.services) for each in found}
    assert {"It is broken."} == {each.services[1].why for each in found}
    assert ["a", "broken"] == before
    assert ["a", "broken", "a"] == asked.asked


async def test_one_that_leaves_takes_nothing_from_the_others() -> None:
    asked = Asked()
    checks = DeepChecks(asked, Tasks())
    leaves, stays = (asyncio.ensure_future(checks.look(of("a"))) for _ in range(2))  # noqa: TID251 -- two at once
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.sleep(0)
    asked.goes_on.set()

    assert (await stays).ready
    assert ["a"] == asked.asked


async def test_a_thousand_services_are_not_asked_at_once() -> None:
    asked = Asked()
    asked.goes_on.set()
    checks = DeepChecks(asked, Tasks())

    assert (await checks.look(of(*(f"s{number}" for number in range(1000))))).ready
    assert 1000 == len(asked.asked)
    assert asked.most <= AT_ONCE


async def test_what_has_no_token_is_not_asked() -> None:
    asked = Asked()

    assert not (await DeepChecks(asked, Tasks()).look(of("a", ready=False))).ready
    assert [] == asked.asked
