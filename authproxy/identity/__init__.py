"""Tokens: whose a service gets, and from where.

Read in this order: `source` (what a source of tokens is), `sources/build` (the source that a
setting names), `google/credentials` (tokens by google-auth), `token_cache/service_tokens` (what a
request asks), `token_cache/refresh` (ahead of time, and again after failures).

    token_cache/   keeps tokens, fresh ahead of time, one mint for all who wait
    sources/       where tokens come from: `auto`, gcloud, files, variables, programs
    apis/          Google's other APIs: addresses of services by name, secrets
    google/        everything that touches google-auth
    apart/         a process of its own for that, while it is needed
    and here       what those share: claims, files, redaction, and the `machine` that is handed to
                   all sources: its environment, the clock's difference (`clock_skew`) and the
                   `programs` that run; `trust` says how certificates are judged
"""
