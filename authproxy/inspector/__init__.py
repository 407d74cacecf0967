"""The inspector: the last exchanges, kept without their secrets, for a person to look at.

`redaction` takes secrets out, `protobuf` and `bodies` read content, `recording` keeps it all under
one bound of memory; `assembly` puts those together as observers. `views` says how things are shown.

At the admin listener `api` has exchanges as JSON, `service_api` services and settings,
`describing` lets services say what their gRPC messages are made of, by `reflection`,
`change_stream` what changes as server-sent events, `replay` sends a request once more,
by `replay_http2` if it came so,
`proxy_state` is what else is known of the running proxy:

    GET  /api/exchanges?text=&service=&status=&method=&kind=&limit=&before=
    GET  /api/exchanges/stream        the same filters; Last-Event-ID or since=
    GET  /api/exchanges/har           the same filters; GET /api/exchanges/compare?a=&b=
    POST /api/exchanges/pause         and /resume, /clear
    GET  /api/exchanges/{id}          and /har, /commands, /request-body, /answer-body
    POST /api/exchanges/{id}/replay   changes as JSON; and /description
    GET  /api/services, /api/config   POST /api/doctor

`page_views` has the page itself: the files in `page/`, which run in browsers and are built on that
JSON alone. Begin with `page/app.js`.

docs/inspector-api.md has the shapes. aiohttp is imported by the views alone.
"""
