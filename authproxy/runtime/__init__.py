"""Builds everything from the settings, and runs it.

Read `app` first: start, signals, stop; then `proxy`: one that runs. `deployment` makes of a
configuration what runs, and puts it in the place of the one before; `reload` reads it anew, and
`open_sockets` knows which sockets stay then, and who answers on them. `services` and `listeners`
are what the settings become there, `sources` where tokens come from, `access_lists` those lists
that come from files; `admin` builds the admin listener, `metrics` is what it shows in numbers,
`inspector` what records for it; `open_authorizer` opens the authorizer; `ready_lines` says what is
served, and `banner` the same to a person. In `process` is what is made once, whatever is
configured.
"""
