"""Whether traces are recorded, and what a running program makes of them."""

import importlib
from collections.abc import Mapping
from types import ModuleType

import pytest

from authproxy.errors import StartError
from authproxy.runtime.process.tracing import find_export, find_exporters, open_tracing
from authproxy.settings import ServiceSettings, Settings

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def settings(export: str) -> Settings:
    service = ServiceSettings.model_validate({"url": "https://billing.run.app"})
    return Settings.model_validate({"services": {"billing": service}, "traces": {"export": export}})


@pytest.mark.parametrize(
    ("export", "environ", "expected"),
    [
        ("auto", {}, ()),
        ("auto", ENDPOINT, ("otlp",)),
        ("auto", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/v1/traces"}, ("otlp",)),
        ("auto", {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, ()),
        ("auto", {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c"}, ()),
        ("auto", {"OTEL_TRACES_EXPORTER": "otlp"}, ("otlp",)),
        ("auto", {"OTEL_TRACES_EXPORTER": "console"}, ("console",)),
        ("auto", {"OTEL_TRACES_EXPORTER": "OTLP, console,otlp"}, ("otlp", "console")),
        ("auto", {"OTEL_TRACES_EXPORTER": "none"}, ()),
        ("auto", ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, ()),
        ("on", {"OTEL_TRACES_EXPORTER": "none"}, ()),
        ("on", {}, ("otlp",)),
        ("on", {"OTEL_SDK_DISABLED": "true"}, ()),
        ("on", {"OTEL_SDK_DISABLED": "True "}, ()),
        ("on", {"OTEL_SDK_DISABLED": "1"}, ("otlp",)),
        ("off", ENDPOINT | {"OTEL_TRACES_EXPORTER": "otlp"}, ()),
        ("auto", ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ("otlp",)),
        (
            "auto",
            ENDPOINT
            | {
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            ("otlp",),
        ),
    ],
)
def test_traces_are_recorded_where_somebody_wants_them(
    export: str, environ: Mapping[str, str], expected: tuple[str, ...]
) -> None:
    assert expected == find_exporters(settings(export), environ)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            "OTEL_TRACES_EXPORTER names 'zipkin', which authproxy does not have",
        ),
        (
            ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc', and authproxy sends traces by http/protobuf"
            " only",
        ),
        (
            ENDPOINT | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is 'http/json', and authproxy sends traces by"
            " http/protobuf only",
        ),
    ],
)
def test_what_authproxy_does_not_have_is_said_at_the_start(
    environ: Mapping[str, str], sentence: str
) -> None:
    with pytest.raises(StartError) as caught:
        find_exporters(settings("auto"), environ)

    assert sentence == str(caught.value)
    assert caught.value.hint


def without(name: str) -> ModuleType:
    raise ModuleNotFoundError(f"No module named {name!r}", name="opentelemetry.sdk")


def test_without_the_library_it_is_an_error_if_traces_were_switched_on() -> None:
    with pytest.raises(StartError, match="traces need OpenTelemetry") as caught:
        find_export(settings("on"), {}, without)

    assert "pip install '.[otel]' in a checkout of authproxy" == caught.value.hint


def test_without_the_library_variables_that_others_have_set_stop_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert None is find_export(settings("auto"), ENDPOINT, without)
    assert caplog.messages == [
        "OTEL_… variables ask for traces, and OpenTelemetry is not installed: there will be none;"
        " run: pip install '.[otel]' in a checkout of authproxy"
    ]


def test_another_module_that_is_missing_is_a_fault() -> None:
    def broken(name: str) -> ModuleType:
        return importlib.import_module("authproxy.there_is_no_such_module")

    with pytest.raises(ModuleNotFoundError):
        find_export(settings("on"), {}, broken)


def test_a_value_that_the_library_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "0")

    with pytest.raises(
        StartError, match=r"^OpenTelemetry refuses one of its variables: max_queue_size"
    ):
        find_export(settings("on"), {})


def test_without_traces_the_clients_word_counts() -> None:
    tracing = open_tracing(settings("off"), {})
    tracing.flush()

    assert () == tracing.observers
