"""Before anything is sent: who is calling, which service, whose token.

`admit` is what a relay asks; `caller` knows one client and decides, by its listener's rules in
`listener_rules`, with `unix_peer`, `field_rules` and `standing`; `presentation` is how service and
client are shown to each other.
"""
