"""Observers of exchanges that write logs, traces and metrics; and the log itself.

`access_log` has a line for each exchange, which `access_lines` puts into words and `sampling`
chooses where not all are written. `logs` formats all other lines, `stream` writes all of them
without ever keeping the event loop waiting, `log_file` into a file that others rotate.
`trace_context` reads and writes which trace a request belongs to.

Traces need OpenTelemetry, and are imported only where they are recorded: `traces` decides, by
`trace_rule`, tells the service, and takes `trace_notes`, of which `spans` are made;
`span_attributes` knows the conventions, `export` sends spans to the collector that
`collector_address` finds.
"""
