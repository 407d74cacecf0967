"""HTTP/2: one client connection is one connection to a service, and frames pass as they came.

Read `connection` (both ends), `lanes` (one direction), `requests` and `responses` (what is looked
at on the way), `calls` (the open ones, each of two `streams`); decision 0011 has the reasons.
`framing/` cuts bytes into frames, `headers/` reads header blocks; `endpoints` are the transports,
`service_link` is which service it is and the way there, `settings_sync` who has confirmed what,
`validity` what makes a message, `replies`, `call_refusals` and `own_content` what we say ourselves.
`teller` tells observers. `ports` is what these parts need of `connection`, which none of them
knows.
"""
