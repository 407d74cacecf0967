"""Parts of the process, not of a configuration: they are made once, at the start.

`log_output` opens the log, `tracing` decides on traces, `observers` is the list of those who hear
of exchanges, `counters` counts clients, `memory` gives back what a load took, `memory_shortage`
goes on where none is left, and `last_resort` ends a process whose end hangs. `head_start` gets what
first requests would wait for, and `notifications` tells systemd.
"""
