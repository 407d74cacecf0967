"""Builds everything from the settings, and runs it.

Read `app` first: start, serve, drain, stop. `services` and `listeners` are what the settings become
there, `sources` where tokens come from, `access_lists` those lists that come from files; `counters`
counts clients; `observers` is the list of those who hear of exchanges; `admin` builds the
admin listener, `deep_check` asks a service for it, `metrics` and `inspector` are observers for it;
`ready_lines` says what is served;
`log_output` opens the log, `tracing` decides on traces; `memory` gives back what a load took.
"""
