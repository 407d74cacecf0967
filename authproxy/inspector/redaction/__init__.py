"""Takes secrets out of what is to be kept, before it is kept.

`names` says which fields, parameters and members hold secrets by their names, `shapes` which words
are secrets by how they look. `redactor` puts a keyed digest in the place of each: equal secrets
have equal digests, and nobody can tell the secret from it. `structured` reads JSON and forms for
it, whole or cut off.
"""
