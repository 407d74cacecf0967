"""`authproxy doctor`: every step of a request by itself, and what to do about the first that fails.

`command` is what is run; `runner` makes the checks in order: `clock`, `connection`, `credentials`,
`tokens`, `service` (with `http_probe`). `subject` is what is examined, `report` what was found,
`rendering` how it is shown. `deep_check` asks a service of a running proxy, for its probes.
"""
