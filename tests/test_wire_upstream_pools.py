from authproxy.settings import LimitSettings, TimeoutSettings
from authproxy.values import parse_origin
from authproxy.wire.loops import Loops
from authproxy.wire.upstream.connector import Connector
from authproxy.wire.upstream.pool import Pool
from authproxy.wire.upstream.pools import Pools
from tests.support.raw import raw_service
from tests.support.talking import until


def make_pool(url: str, stream_idle: float = 60.0) -> Pool:
    connector = Connector(origin=parse_origin(url), timeout_s=1.0, contexts=None)
    timeouts = TimeoutSettings(stream_idle=stream_idle)
    return Pool(connector, limits=LimitSettings(), timeouts=timeouts)


async def test_a_pool_that_is_no_more_keeps_nothing_but_what_is_lent() -> None:
    async with raw_service() as service:
        asked = list[None]()
        pools = Pools(Loops(), lambda: asked.append(None))
        old, kept, new = (make_pool(service.url, idle) for idle in (60.0, 30.0, 5.0))
        pools.use([old, kept])
        assert 30.0 == pools.shortest_s
        old.warm()
        kept.warm()
        await until(lambda: (old.idle_count, kept.idle_count) == (1, 1))
        lent = old.take()
        assert lent is not None
        pools.use([kept, new])

        assert (1, 1, 2, 5.0) == (kept.idle_count, pools.retiring, len(asked), pools.shortest_s)
        pools.tick(0.1)
        assert 1 == pools.retiring
        assert 2 == pools.open_count
        old.put(lent)
        await until(lambda: not old.is_in_use)
        pools.tick(0.1)
        assert (0, (kept, new)) == (pools.retiring, pools.current)
        assert "<Pools [2 in use, 0 retiring]>" == repr(pools)
        pools.close_idlest()
        await until(lambda: kept.idle_count == 0)
        await pools.close()


async def test_without_any_service_there_is_nothing_to_do() -> None:
    pools = Pools(Loops(), lambda: None)
    pools.use([])
    pools.tick(1.0)
    pools.close_idlest()

    assert (float("inf"), 0) == (pools.shortest_s, pools.open_count)
