"""Examples of every command, for its help, the man page and the tests that try them.

Each line can be pasted into a shell. SERVICE.run.app stands for the address of a service, billing
for one that authproxy.toml has, acme-prod for a project.
"""

from collections.abc import Iterator, Mapping, Sequence

import click

EXAMPLES: Mapping[str, Sequence[str]] = {
    "authproxy": (
        "authproxy https://SERVICE.run.app",
        "authproxy doctor https://SERVICE.run.app",
        "authproxy demo",
    ),
    "authproxy run": (
        "authproxy https://SERVICE.run.app --open",
        "authproxy billing=https://BILLING.run.app web=https://WEB.run.app -p 9000",
        "authproxy billing --project acme-prod --region europe-west1",
        "authproxy -c authproxy.toml -v",
    ),
    "authproxy check": (
        "authproxy check -c authproxy.toml",
        "authproxy check https://SERVICE.run.app --listen 0.0.0.0:8080 --allow 10.0.0.0/8",
        "authproxy check --running",
    ),
    "authproxy completion": (
        'eval "$(authproxy completion bash)"',
        "authproxy completion fish > ~/.config/fish/completions/authproxy.fish",
    ),
    "authproxy config": (
        "authproxy config init",
        "authproxy config schema > authproxy.schema.json",
    ),
    "authproxy config init": (
        "authproxy config init",
        "authproxy config init billing.toml --project acme-prod",
    ),
    "authproxy config schema": (
        "authproxy config schema > authproxy.schema.json",
        "authproxy config schema | python3 -m json.tool",
    ),
    "authproxy demo": (
        "authproxy demo",
        "authproxy demo --port 9000 --token-life 30",
    ),
    "authproxy doctor": (
        "authproxy doctor https://SERVICE.run.app",
        "authproxy doctor -c authproxy.toml billing",
        "authproxy doctor --json https://SERVICE.run.app > findings.json",
    ),
    "authproxy exec": (
        "authproxy exec https://SERVICE.run.app -- curl {url}/health",
        "authproxy exec --env 'OPENAI_BASE_URL={url}/v1' https://SERVICE.run.app -- python3 app.py",
        "authproxy exec api=https://API.run.app web=https://WEB.run.app --env API_URL={url:api}"
        " -- npm test",
        "authproxy exec -c authproxy.toml --http-proxy -- curl http://billing.localhost/",
    ),
    "authproxy export": (
        "authproxy export nginx -c authproxy.toml > nginx.conf",
        "authproxy export caddy -c authproxy.toml > Caddyfile",
        "authproxy export envoy -c authproxy.toml --listen 0.0.0.0:8080 > envoy.yaml",
    ),
    "authproxy key": (
        "authproxy key ci",
        "authproxy key ci > ci.key",
        "authproxy key --sha256 < ci.key",
    ),
    "authproxy list": (
        "authproxy list --project acme-prod",
        "authproxy list --project acme-prod --region europe-west1 > authproxy.toml",
    ),
    "authproxy login": (
        "authproxy login",
        "authproxy login --impersonate caller@acme-prod.iam.gserviceaccount.com",
        "authproxy login --user",
    ),
    "authproxy mcp": (
        "authproxy mcp https://SERVICE.run.app/mcp",
        "authproxy mcp https://SERVICE.run.app/mcp --print-config claude-desktop",
        "authproxy mcp billing -c authproxy.toml --path /mcp",
    ),
    "authproxy status": (
        "authproxy status",
        "authproxy status --ready",
        "authproxy status --open",
        "authproxy status --json 127.0.0.1:4040",
    ),
    "authproxy tail": (
        "authproxy tail",
        "authproxy tail --service billing --status '>=400'",
        "authproxy tail --json -n 0 | jq .target",
    ),
    "authproxy token": (
        'curl -H "$(authproxy token --header https://SERVICE.run.app)" https://SERVICE.run.app',
        "authproxy token --decode https://SERVICE.run.app",
        "authproxy token -c authproxy.toml billing",
        "authproxy token -c authproxy.toml --key ci billing",
    ),
}


def every_command(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Each with its path, as in `authproxy config init`: first `command`, then those in it."""
    yield path, command
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from every_command(inner, f"{path} {name}")


def teach(main: click.Group) -> None:
    """Put the examples below the help of each command. `\\b` keeps their lines apart."""
    for path, command in every_command(main, "authproxy"):
        lines = EXAMPLES.get(path, ())
        command.epilog = "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
