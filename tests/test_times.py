"""What an exchange waited for: each wait has a begin of its own."""

from authproxy.times import Times, Wait


def test_each_wait_begins_by_itself() -> None:
    """A request that is sent again, after it was on its way from 0.3 to 5."""
    times = Times()
    times.begin("token", 0.0)
    times.end("token", 0.125)
    times.begin("connection", 0.125)
    times.end("connection", 0.25)
    times.begin("token", 5.0)
    times.end("token", 5.5)

    assert (0.625, 0.125) == (times.waited_s("token"), times.waited_s("connection"))


def test_waits_for_both_at_one_time_count_for_each() -> None:
    times = Times()
    times.begin("connection", 0.0)
    times.begin("token", 0.25)
    times.end("connection", 0.5)
    times.end("token", 1.0)

    assert (0.75, 0.5) == (times.waited_s("token"), times.waited_s("connection"))


def test_another_try_to_connect_is_the_same_wait() -> None:
    times = Times()
    times.begin("connection", 0.25)
    times.begin("connection", 0.5)
    times.end("connection", 1.0)

    assert (Wait("connection", 0.25, 1.0),) == times.waits


def test_a_wait_in_vain_does_not_count() -> None:
    times = Times()
    times.begin("token", 0.25)

    assert 0.0 == times.waited_s("token")
    assert (Wait("token", 0.25),) == times.waits


def test_a_wait_of_which_no_begin_was_told_began_with_the_exchange() -> None:
    times = Times()
    times.end("connection", 0.5)

    assert (Wait("connection", 0.0, 0.5),) == times.waits
