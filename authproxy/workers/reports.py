"""Reports of workers to their parent: what they count, and exchanges that are to be recorded."""

from typing import TYPE_CHECKING

from authproxy.workers.counting.common_counts import CommonCounts
from authproxy.workers.worker_channel import Message

if TYPE_CHECKING:
    from authproxy.inspector.assembly import Recording
    from authproxy.workers.inspecting.told import ToldExchanges


class Reports:
    """Reports of all workers."""

    def __init__(self) -> None:
        self.counts = CommonCounts()
        self._exchanges: ToldExchanges | None = None

    def record_into(self, recording: "Recording") -> None:
        """Workers are to tell of their exchanges, too."""
        from authproxy.workers.inspecting.told import ToldExchanges

        self._exchanges = ToldExchanges(recording)

    @property
    def wanted(self) -> Message:
        """What a worker is to report, for its start."""
        return {"counts": self.counts.add_to is not None, "records": self._exchanges is not None}

    def hear(self, worker: int, message: Message) -> None:
        """The worker of this number reports."""
        if message["do"] == "counts":
            self.counts.hear(worker, message)
        elif self._exchanges is not None:
            self._exchanges.hear(worker, message)

    def gone(self, worker: int) -> None:
        """It has ended; another one may get its number."""
        self.counts.gone(worker)
        if self._exchanges is not None:
            self._exchanges.gone(worker)

    def __repr__(self) -> str:
        return f"<Reports {self.counts!r}>"
