"""`authproxy tail`: what passes through a running authproxy, a line for each exchange.

`command` finds the admin listener, asks it for what has been and then for what comes, and begins
anew after a restart. `following` reads server-sent events from its socket. `choosing` says which
rows are to be shown, each once. `lines` writes them: plain columns, colours at a terminal, JSON.
"""
