"""One exchange in flight: `relay` stands between client and service.

`retry` sends again, with the body in `replay_buffer`; `hints` explains Google's refusals;
`timeouts` says what took too long; `tunnel` takes over after 101. `cookies` and `interim` look at
answers, `event_stream` and `call_end` end them in good order.
"""
