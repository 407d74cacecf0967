"""Before anything is sent: who is calling, which service, whose token.

`admit` is the door for both versions of HTTP: it gives an `admission`, which is never changed, or
says why not. `caller` knows one client and decides, by its listener's rules in `listener_rules`:
`sender` is whose address counts, `shown_key` and `page_access` what it shows of itself, and
`unix_peer`, `standing` and `field_rules` what else must not pass. `presentation` is how service and
client are shown to each other, `sent_fields` what the service gets of a request's fields.
`token_wait` waits for a token where none is at hand.
"""
