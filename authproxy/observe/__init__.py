"""Who hears that an exchange ended.

`access_log` has a line for each, `logs` formats the lines of this and of all other logs, `stream`
writes them without ever keeping the event loop waiting. `trace_context` reads which trace a request
belongs to.
"""
