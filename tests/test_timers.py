import asyncio

from authproxy.timers import loop_call_later


async def test_a_timer_of_the_loop_calls_back_unless_it_was_cancelled() -> None:
    fired = asyncio.Event()
    wrong: list[None] = []
    loop_call_later(0, lambda: wrong.append(None)).cancel()
    loop_call_later(0, fired.set)
    await fired.wait()

    assert [] == wrong
