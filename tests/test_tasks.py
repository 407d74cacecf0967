import asyncio
import gc
import logging

import pytest

from authproxy.tasks import Tasks, loop_call_later


async def test_a_tasks_result_is_for_those_who_wait() -> None:
    async def answer() -> int:
        return 42

    tasks = Tasks()
    task = tasks.start(answer(), name="answer")

    assert "answer" == task.get_name()
    assert 42 == await task


async def test_a_task_is_held_until_it_ends() -> None:
    release, both_ended = asyncio.Event(), asyncio.Barrier(3)

    async def wait() -> None:
        await release.wait()
        await both_ended.wait()

    tasks = Tasks()
    tasks.spawn(wait(), name="one")
    tasks.spawn(wait(), name="two")
    gc.collect()
    assert 2 == len(tasks)
    assert "<Tasks [2 running]>" == repr(tasks)

    release.set()
    await both_ended.wait()
    for _ in range(3):  # turns of the loop: the barrier opens, the tasks end, their owner hears
        await asyncio.sleep(0)
    assert "<Tasks [0 running]>" == repr(tasks)


async def test_cancel_waits_until_all_have_ended() -> None:
    ended: list[str] = []

    async def last_words(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    tasks = Tasks()
    for name in ("one", "two"):
        tasks.spawn(last_words(name), name=name)
    await asyncio.sleep(0)

    await tasks.cancel()
    assert ["one", "two"] == sorted(ended)
    assert 0 == len(tasks)


async def test_cancel_of_nothing_is_nothing() -> None:
    tasks = Tasks()
    await tasks.cancel()

    assert 0 == len(tasks)


async def test_a_failure_that_nobody_waits_for_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise ValueError("bad thing")

    tasks = Tasks()
    tasks.spawn(fail(), name="token for billing")
    for _ in range(2):  # one turn of the loop for the task, one for its end
        await asyncio.sleep(0)

    (record,) = caplog.records
    assert ("authproxy.tasks", logging.ERROR) == (record.name, record.levelno)
    assert "token for billing failed" == record.getMessage()
    assert "ValueError: bad thing" in caplog.text


async def test_neither_success_nor_cancellation_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def succeed() -> None:
        await asyncio.sleep(0)

    async def wait() -> None:
        await asyncio.Event().wait()

    tasks = Tasks()
    tasks.spawn(wait(), name="cancelled")
    task = tasks.start(succeed(), name="succeeded")
    await task
    await tasks.cancel()

    assert [] == caplog.records


async def test_a_failure_that_somebody_waits_for_is_theirs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise ValueError("bad thing")

    with pytest.raises(ValueError, match="bad thing"):
        await Tasks().start(fail(), name="fails")

    assert [] == caplog.records


async def test_tasks_are_waited_for_until_they_settle_or_time_is_up() -> None:
    tasks, gate = Tasks(), asyncio.Event()
    await tasks.settle(0.0)
    waiting = tasks.start(gate.wait(), name="waits")
    await tasks.settle(0.0)
    assert 1 == len(tasks)
    gate.set()
    await tasks.settle(10.0)

    assert 0 == len(tasks)
    assert await waiting


async def test_a_timer_of_the_loop_calls_back_unless_it_was_cancelled() -> None:
    fired = asyncio.Event()
    wrong: list[None] = []
    loop_call_later(0, lambda: wrong.append(None)).cancel()
    loop_call_later(0, fired.set)
    await fired.wait()

    assert [] == wrong
