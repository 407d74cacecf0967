"""The names, by the rules of Prometheus and OpenMetrics."""

import re

import pytest
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from authproxy.observe.metrics.definitions import DEFINITIONS, Definition
from tests.support.metrics import NAME, lint, make_collector


def test_every_name_holds_to_the_rules() -> None:
    families = {piece.name: piece for piece in make_collector().pieces()}

    assert [] == lint(families)
    assert len(DEFINITIONS) == len(families)


@pytest.mark.parametrize(
    ("family", "rule"),
    [
        (GaugeMetricFamily("authproxy_Depth", "h"), "snake_case, without a colon"),
        (GaugeMetricFamily("authproxy:depth", "h"), "snake_case, without a colon"),
        (GaugeMetricFamily("depth", "h"), "the program's name first"),
        (GaugeMetricFamily("authproxy_depth", ""), "HELP and TYPE"),
        (HistogramMetricFamily("authproxy_depth", "h"), "a histogram has a unit"),
        (GaugeMetricFamily("authproxy_wait_ms", "h"), "base units only, at the end"),
        (GaugeMetricFamily("authproxy_seconds_waited", "h"), "base units only, at the end"),
        (
            GaugeMetricFamily("authproxy_request_count", "h"),
            "a family does not end as a sample does",
        ),
        (CounterMetricFamily("authproxy_counter", "h"), "no type in the name"),
        (
            Metric("authproxy_a", "h", "gauge"),
            "what only grows is a _total, and nothing else is",
        ),
        (CounterMetricFamily("authproxy_a", "h", 1.0, created=1.0), "no series _created"),
        (
            GaugeMetricFamily("authproxy_a", "h", labels=["jobId"]),
            "labels in snake_case, and none that Prometheus sets",
        ),
        (
            GaugeMetricFamily("authproxy_a", "h", labels=["job"]),
            "labels in snake_case, and none that Prometheus sets",
        ),
        (GaugeMetricFamily("authproxy_a", "h", labels=["le"]), "le belongs to histograms"),
    ],
)
def test_each_rule_is_seen_when_it_is_broken(family: Metric, rule: str) -> None:
    if family.type == "gauge" and isinstance(family, GaugeMetricFamily):
        family.add_metric(["x"], 1.0)
    elif type(family) is Metric:
        family.add_sample("authproxy_a_total", {}, 1.0)

    assert f"{family.name}: {rule}" in lint({family.name: family})


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda each: each.name)
def test_a_definition_says_what_it_counts_and_what_its_labels_mean(definition: Definition) -> None:
    unit = re.search("_(seconds|bytes)(_total)?$", definition.name)

    assert (definition.kind == "counter") == definition.name.endswith("_total")
    assert (unit.group(1) if unit else "") == definition.unit
    assert definition.help.endswith(".")
    assert "\n" not in definition.help
    assert all(NAME.fullmatch(label) for label in definition.labels)
    explained = {label for label in definition.labels if f"{label}:" in definition.help}
    assert set(definition.labels) - {"service", "version", "python_version"} <= explained


def test_no_two_have_a_sample_of_one_name() -> None:
    names = [name for each in DEFINITIONS for name in each.sample_names]

    assert sorted(set(names)) == sorted(names)
