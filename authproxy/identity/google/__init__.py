"""All code that touches google-auth. Nothing of it is imported before a token is wanted.

Read `google_source` first, the source of tokens, which asks `apart`: that has `answering` do it, in
a process of its own where there is one. There `credentials` has one way to a token for each type of
credentials. `federation`, `impersonation` and `access_tokens` are parts of that; `transport` and
`session` carry google-auth's requests, through the proxy that `egress` says; `errors` translates
what goes wrong.
"""

MODULE = "authproxy.identity.google.answering"
"""What runs in the process apart."""
