"""Drives the inspector's command line, which makes a connection of its own for each question.

argv: the transport, and the command that starts the inspector.
"""

# What it imports has two major versions, and is installed elsewhere.
# mypy: ignore-errors

import json
import subprocess
import sys

QUESTIONS = {
    "connect": ["--method", "tools/list"],
    "call": ["--method", "tools/call", "--tool-name", "echo", "--tool-arg", "text=hello"],
}


def command(kind: str, words: list[str], question: list[str]) -> list[str]:
    """A server's own command stands behind all flags, an address before them."""
    if kind == "stdio":
        return [*question, "--", *words]
    return [*words, "--transport", kind, *question]


def main() -> None:
    kind, *inspector = sys.argv[1:]
    words: list[str] = []
    print(json.dumps({"ok": True, "text": "ready"}), flush=True)
    for line in sys.stdin:
        what, *rest = line.split()
        words = rest or words
        if what == "close":
            print(json.dumps({"ok": True, "text": "closed"}), flush=True)
            continue
        done = subprocess.run(
            [*inspector, "--cli", *command(kind, words, QUESTIONS[what])],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        text = done.stdout + done.stderr
        print(json.dumps({"ok": done.returncode == 0, "text": text}), flush=True)


if __name__ == "__main__":
    main()
