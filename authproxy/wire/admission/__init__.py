"""Admission: who is calling, which service they want, and with whose token it goes there.

`admit` is the door for both versions of HTTP: it gives an `admission`, which is never changed, or
says why not. `caller` knows one client and decides, by its listener's rules in `listener_rules`:
`sender` finds whose address counts, `shown_key` checks the client's key, `page_access` the page
that a browser has open, `wire.peers` the user of this machine. `general_checks` apply whatever
the service is, `field_rules` are one service's. `presentation` has the addresses under which the
service and the client appear to each other; `sent_fields` writes a request's fields for the
service; `token_wait` waits for a token where none is at hand.
"""
