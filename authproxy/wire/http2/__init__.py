"""HTTP/2: one client connection is one connection to a service, and frames pass as they came.

Read `connection` (both ends), `lanes` (one direction), `requests` and `responses` (frames that are
looked at on the way), `calls` (the open ones, each of two `streams`); decision 0011 has the
reasons. `framing/` cuts bytes into frames, `headers/` reads header blocks. `endpoints` are the two
transports. `service_link` chooses the connection's service and connects to it. `settings_sync`
remembers which SETTINGS each side has sent, and which the other one has acknowledged. `validity`
checks that frames make a valid message; `replies`, `call_refusals` and `own_content` are answers of
our own. `teller` tells observers. `interfaces` are Protocols, by which these parts use
`connection`.
"""
