"""One exchange in flight: `relay` stands between client and service.

`asking` is its first half, until there are a token and a connection. `retry` sends again, with the
body in `replay_buffer`, or finds what to say instead; `hints` explains Google's refusals;
`timeouts` says what took too long; `tunnel` takes over after 101. `answer_heads`, `chunked_body`
and `event_stream` write answers, `call_end` ends them in words; `cookies` adds to their heads.
`telling` has what observers hear of a head that goes out. `ports` is what an exchange needs of its
client's connection and of the server.
"""
