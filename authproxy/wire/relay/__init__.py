"""One exchange in flight: `relay` stands between client and service.

`pending` is its first half, until there are a token and a connection. `retry` sends again, with the
body in `replay_buffer`, or finds what to say instead; `hints` explains Google's refusals;
`timeouts` says what took too long; `tunnel` takes over after 101. `answer_heads`, `chunked_body`
and `event_stream` write answers, `call_end` ends them in words; `cookies` adds to their heads.
`telling` makes the heads that observers are told. `interfaces` are Protocols: an exchange as its
client's connection sees it, and that connection and the server as the exchange sees them.
"""
