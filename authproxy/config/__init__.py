"""TOML file, environment and command line in; `Settings`, or every problem with its place, out.

Read `loading` first: it calls the `readers`, which make entries of what a person wrote;
`collecting` puts them together, `validating` makes Settings of them, and `checks` say what fits the
types but not together. `files` reads what a configuration names, `ports` chooses the port,
`pydantic_errors` puts pydantic's errors into sentences for people who write TOML.
`changes` says in what two configurations differ.
"""
