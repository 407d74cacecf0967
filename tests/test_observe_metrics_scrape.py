"""One scrape, and many at once."""

import asyncio
import gzip

from authproxy.observe.metrics.scrape import Scraped, Scraper
from tests.support.metrics import lint, make_collector, parse

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


def text_of(scraped: Scraped | None) -> str:
    assert scraped is not None
    return (gzip.decompress(scraped.body) if scraped.gzip else scraped.body).decode()


async def test_a_scrape_has_everything_the_process_included() -> None:
    scraper = Scraper(make_collector())
    plain = await scraper.scrape()
    for text in (
        text_of(plain),
        text_of(await scraper.scrape(accept=OPENMETRICS)),
        text_of(await scraper.scrape(accept=OPENMETRICS, accept_encoding="gzip")),
    ):
        families = parse(text)
        assert {"authproxy_requests", "authproxy_build", "process_cpu_seconds"} <= {
            name.removesuffix("_info") for name in families
        }
        assert [] == lint(families)

    assert plain is not None
    assert "text/plain; version=0.0.4; charset=utf-8" == plain.content_type
    assert "<Scraper [0 at work or waiting]>" == repr(scraper)


async def test_names_choose_among_the_figures_of_the_process_too() -> None:
    names = ["process_open_fds", "authproxy_draining"]
    text = text_of(await Scraper(make_collector()).scrape(names=names))

    assert set(names) == set(parse(text))


async def test_other_tasks_have_their_turn_while_a_large_scrape_is_made() -> None:
    turns = 0
    over = False

    async def turn() -> None:
        nonlocal turns
        while not over:
            turns += 1
            await asyncio.sleep(0)

    now = 0.0

    def passing() -> float:
        nonlocal now
        now += 0.001
        return now

    scraper = Scraper(make_collector(*(f"s{n}" for n in range(100))), steady=passing)
    other = asyncio.create_task(turn())  # noqa: TID251 -- it ends below
    await scraper.scrape(names=["authproxy_pool_connections"])
    over = True
    await other

    assert turns >= 3


async def test_no_more_wait_than_may_and_each_gets_a_whole_answer() -> None:
    scraper = Scraper(make_collector(), most_waiting=3)
    answers = await asyncio.gather(*(scraper.scrape(accept=OPENMETRICS) for _ in range(5)))

    assert [True] * 3 + [False] * 2 == [answer is not None for answer in answers]
    for answer in answers[:3]:
        parse(text_of(answer))
    assert await scraper.scrape() is not None
