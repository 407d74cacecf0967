"""`authproxy exec URL -- CMD`: CMD with a proxy of its own, and nobody else's.

`command` goes from the start of the proxy to the exit code of CMD, which `child` starts and ends,
with all that it leaves behind; `kernel` is what it asks of Linux for that. `placeholders` says
where services are, in arguments and variables; `own_settings` what the proxy's configuration
becomes; `quiet_log` keeps what went wrong until CMD is over.
"""
