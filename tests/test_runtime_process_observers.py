"""The observers of a run, by its settings."""

from authproxy.exchange import Exchange
from authproxy.observe.stream import open_stream
from authproxy.runtime.process.log_output import LogOutput
from authproxy.runtime.process.observers import make_observers
from authproxy.runtime.process.tracing import Tracing
from authproxy.settings import LogSettings, Settings

LOG = LogOutput(stderr=open_stream(None), log=open_stream(None), format="text", reopen=lambda: None)


class Traces:
    def exchange_ended(self, exchange: Exchange) -> None: ...


def made(*, access: bool, tracing: Tracing) -> list[str]:
    settings = Settings.model_construct(log=LogSettings(access=access), services={})
    return [type(each).__name__ for each in make_observers(settings, LOG, tracing)]


def test_what_is_switched_off_has_no_observer() -> None:
    assert [] == made(access=False, tracing=Tracing())


def test_traces_are_made_behind_those_who_ask_for_them() -> None:
    assert ["AccessLog", "Traces"] == made(access=True, tracing=Tracing(observers=(Traces(),)))
