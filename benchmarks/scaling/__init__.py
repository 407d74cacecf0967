"""Many replicas and Google's quotas, simulated: who asks for a token when, and who has to wait.

python -m benchmarks.scaling            # the table of docs/scaling.md
python -m benchmarks.scaling --write    # puts it there

`fleet` runs the decisions of `authproxy.identity.token_cache` on a clock of its own, `google`
counts as a quota does, `table` says what came of it.
"""
