"""A wall clock that moves when the test says so."""

from collections.abc import Callable


class FakeTimer:
    """What `FakeClock.call_later` returns."""

    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    """Call it for the wall clock's seconds; its timers fire while it advances, in order."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self._jumped = 0.0
        self._timers: list[FakeTimer] = []

    def __call__(self) -> float:
        return self.now

    def steady(self) -> float:
        """Seconds that passed, whatever the wall clock was set to."""
        return self.now - self._jumped

    def call_later(self, delay: float, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(self.now + delay, callback)
        self._timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass; timers fire at their own moment."""
        end = self.now + seconds
        while self.pending and self.pending[0].due <= end:
            timer = self.pending[0]
            self._timers.remove(timer)
            self.now = max(self.now, timer.due)
            timer.callback()
        self.now = end

    def jump(self, seconds: float) -> None:
        """The wall clock jumps (a laptop slept, the time was set); no timer fires.

        Nor is one held up by a clock that is set back: the loop has another one.
        """
        self.now += seconds
        self._jumped += seconds
        for timer in self._timers:
            timer.due += min(seconds, 0.0)

    @property
    def pending(self) -> list[FakeTimer]:
        """Timers that have not fired, soonest first."""
        self._timers = [timer for timer in self._timers if not timer.cancelled]
        return sorted(self._timers, key=lambda timer: timer.due)
