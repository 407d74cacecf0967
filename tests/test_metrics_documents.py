"""The page, the dashboard and the alert rules say nothing of metrics that `/metrics` does not have.

promtool and Grafana are not asked: the rules are read as the few lines of YAML that they are, and
the names and labels in PromQL are looked up.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from os import environ
from pathlib import Path
from typing import Any

import pytest

from authproxy.observe.metrics.definitions import DEFINITIONS

ROOT = Path(__file__).parent.parent
GRAFANA = ROOT / "deploy" / "grafana"
BY_SCRAPE = {"job", "instance"}
"""Labels that Prometheus sets."""
PROCESS = {
    f"process_{each}"
    for each in (
        *("cpu_seconds_total", "open_fds", "max_fds", "start_time_seconds"),
        *("resident_memory_bytes", "virtual_memory_bytes"),
    )
}
_WORDS = "sum max min by on and or rate increase absent histogram_quantile time"
WORDS = set(re.findall(r"\w+", _WORDS))

LABELS: dict[str, set[str]] = dict.fromkeys(PROCESS, BY_SCRAPE)
for each in DEFINITIONS:
    for name in each.sample_names:
        le = {"le"} if name.endswith("_bucket") and each.kind == "histogram" else set()
        LABELS[name] = {*each.labels, *le, *BY_SCRAPE}


def faults(expr: str) -> Iterator[str]:
    """What in an expression of PromQL is not known."""
    bare = re.sub(r'"[^"]*"', '""', expr)
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    if any(bare.count(left) != bare.count(right) for left, right in ("()", "{}")):
        yield "brackets that do not match"
    metrics = [
        name for name in re.findall(r"(?<![\w$])[a-z_]\w*", _outside(bare)) if name not in WORDS
    ]
    yield from (f"no metric {name}" for name in metrics if name not in LABELS)
    for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", bare):
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers):
            if label not in LABELS.get(name, {label}):
                yield f"{name} has no label {label}"
    known = {label for name in metrics for label in LABELS.get(name, ())}
    for labels in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", bare):
        yield from (f"no label {each}" for each in re.split(r"[\s,]+", labels) if each not in known)


def _outside(bare: str) -> str:
    """Without matchers, and without the lists of labels."""
    return re.sub(r"\{[^}]*\}|\b(?:by|on)\s*\([^)]*\)", " ", bare)


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ('sum by (service) (rate(authproxy_retries_total{service="a"}[5m]))', []),
        ("authproxy_nothing", ["no metric authproxy_nothing"]),
        ("rate(authproxy_retries[5m])", ["no metric authproxy_retries"]),
        (
            'authproxy_draining{service="a"}',
            ["authproxy_draining has no label service"],
        ),
        ("sum by (le) (authproxy_retries_total)", ["no label le"]),
        ("sum(authproxy_draining", ["brackets that do not match"]),
    ],
)
def test_what_is_wrong_in_an_expression_is_found(expr: str, expected: list[str]) -> None:
    assert expected == list(faults(expr))


def dashboard() -> Any:
    return json.loads((GRAFANA / "dashboard.json").read_text())


def queries(board: Mapping[str, Any]) -> list[str]:
    targets = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return targets + [each["definition"] for each in board["templating"]["list"][1:]]


def test_the_dashboard_asks_for_what_there_is() -> None:
    found = {expr: list(faults(_query(expr))) for expr in queries(dashboard())}

    assert {} == {expr: what for expr, what in found.items() if what}


def _query(expr: str) -> str:
    """`label_values(QUERY, LABEL)` is Grafana's own: as PromQL has it."""
    match = re.fullmatch(r"label_values\((.*), (\w+)\)", expr)
    return f"sum by ({match[2]}) ({match[1]})" if match else expr


def test_every_variable_of_the_dashboard_is_used_and_there() -> None:
    board = dashboard()
    text = json.dumps(
        [board["panels"], [each.get("definition") for each in board["templating"]["list"]]]
    )
    names = {each["name"] for each in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval"}

    assert names == used


def test_panels_have_what_grafana_needs_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}

    assert len(panels) == len(places) == len({panel["id"] for panel in panels})
    for panel in panels:
        assert panel["type"]
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        refs = [target["refId"] for target in panel["targets"]]
        assert sorted(set(refs)) == refs
        assert all(target["legendFormat"] for target in panel["targets"])


def alerts() -> dict[str, dict[str, str]]:
    """The rules by name; each of their fields on one line."""
    text = (GRAFANA / "alerts.yaml").read_text()
    text = re.sub(r">-\n((?: {10}.*\n)+)", lambda match: " ".join(match[1].split()) + "\n", text)
    rules = {}
    for rule in text.split("      - alert: ")[1:]:
        name, *lines = rule.rstrip().split("\n")
        pairs = [line.strip().partition(":") for line in lines]
        rules[name] = {key: value.strip() for key, _, value in pairs}
    return rules


def test_every_alert_asks_for_what_there_is_and_says_what_to_do() -> None:
    rules = alerts()
    assert len(rules) >= 10
    for name, rule in rules.items():
        assert [] == list(faults(rule["expr"])), name
        assert rule["severity"] in ("warning", "critical"), name
        assert re.fullmatch(r"[1-9][0-9]*[smh]", rule.get("for", "1m")), name
        assert rule["summary"].strip('"'), name
        assert rule["description"].strip('"'), name


def test_alerts_name_only_labels_that_their_expression_keeps() -> None:
    for name, rule in alerts().items():
        named = set(re.findall(r"\$labels\.(\w+)", rule["summary"] + rule["description"]))
        assert named <= set(re.findall(r"\w+", rule["expr"])), name


def test_the_rules_are_the_yaml_that_is_read_here() -> None:
    lines = (GRAFANA / "alerts.yaml").read_text().splitlines()
    form = re.compile(r"#.*|groups:| *(- )?\w+:( .+)?| {10}\S.*")

    assert [] == [line for line in lines if not form.fullmatch(line) or "\t" in line]


def test_the_page_has_every_metric_as_it_is() -> None:
    """`python scripts/metrics_doc.py --write` puts them there."""
    script = ROOT / "scripts" / "metrics_doc.py"
    done = subprocess.run(
        [sys.executable, script], cwd=ROOT, env={**environ, "PYTHONPATH": str(ROOT)}
    )
    text = (ROOT / "docs" / "metrics.md").read_text()

    assert 0 == done.returncode
    missing = [name for name in PROCESS if f"`{name}`" not in text]
    assert [] == missing
