"""Limits for frames that are cheap for the client and cost others work."""

from authproxy.wire.http2.framing.frames import ConnectionFault, Failure

MAX_RESETS = 500
"""Calls that a client may take back unanswered at once ("rapid reset", CVE-2023-44487)."""
RESETS_PER_S = 100.0
MAX_CONTROLS = 2000
"""PING, SETTINGS, PRIORITY, empty DATA and frames of unknown kinds at once."""
CONTROLS_PER_S = 1000.0


class Guard:
    """Two buckets that fill again as time passes."""

    __slots__ = ("_controls", "_resets")

    def __init__(self) -> None:
        self._resets = float(MAX_RESETS)
        self._controls = float(MAX_CONTROLS)

    def note_reset(self) -> None:
        """A client took back a call before its answer had begun. Raises ConnectionFault."""
        self._resets -= 1.0
        if self._resets < 0.0:
            raise ConnectionFault(Failure.ENHANCE_YOUR_CALM, "too many calls were cancelled")

    def note_control(self) -> None:
        """A frame that moves nothing came. Raises ConnectionFault."""
        self._controls -= 1.0
        if self._controls < 0.0:
            raise ConnectionFault(Failure.ENHANCE_YOUR_CALM, "too many control frames")

    def tick(self, seconds: float) -> None:
        """Time passed."""
        self._resets = min(MAX_RESETS, self._resets + seconds * RESETS_PER_S)
        self._controls = min(MAX_CONTROLS, self._controls + seconds * CONTROLS_PER_S)

    def __repr__(self) -> str:
        return f"<Guard [{self._resets:.0f} resets, {self._controls:.0f} control frames left]>"
