"""Builds everything from the settings, and runs it.

Read `app` first: start, serve, drain, stop. `services` and `listeners` are what the settings become
there, `sources` where tokens come from, `access_lists` those lists that come from files; `counters`
counts clients; `admin` builds the admin listener, `deep_check` asks a service for it, `metrics` is
what it shows in numbers, `inspector` what records for it; `ready_lines` says what is served;
`log_output` opens the log, `tracing` decides on traces; `memory` gives back what a load took.
"""
