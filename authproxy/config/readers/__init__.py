"""Readers of file, environment and flags into entries: each value with its place.

`toml` reads the file (`toml_positions` finds lines, `toml_syntax` explains mistakes),
`environment` variables and URLs, `keywords` what a Python program hands over. `entries` is the
value that all make, `setting_names` which keys there are and how each is called where,
`service_names` the name of a service that was given as a URL. `old_names` are those that settings
had in earlier versions. `unknown_keys` says what to write instead, `egress_proxy` which proxy the
settings and the environment lead to.
"""
