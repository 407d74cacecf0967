"""Prometheus, configured to scrape the address, until it says what came of that."""

import json
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

scheme, _, target = sys.argv[1].partition("://")
with socket.create_server(("127.0.0.1", 0)) as free:
    here = f"127.0.0.1:{free.getsockname()[1]}"

Path("prometheus.yml").write_text(f"""\
scrape_configs:
  - job_name: billing
    scheme: {scheme}
    scrape_interval: 1s
    static_configs:
      - targets: ["{target}"]
""")
prometheus = subprocess.Popen(
    ["prometheus", "--config.file=prometheus.yml", f"--web.listen-address={here}"],
    stdout=sys.stderr,
)


def ask(path):
    try:
        with urlopen(f"http://{here}/api/v1/{path}") as answer:
            return json.load(answer)["data"]
    except OSError:
        return {}


def pause():
    """For a moment, in which it must not end."""
    with suppress(subprocess.TimeoutExpired):
        sys.exit(f"Prometheus ended: {prometheus.wait(0.2)}")


try:
    while not (targets := ask("targets").get("activeTargets")) or targets[0]["health"] == "unknown":
        pause()
    print("health", targets[0]["health"])
    if targets[0]["lastError"]:
        sys.exit(targets[0]["lastError"])
    while not (found := ask("query?query=invoices_total").get("result")):
        pause()
    print("invoices_total", found[0]["value"][1])
finally:
    prometheus.kill()
    prometheus.wait()
