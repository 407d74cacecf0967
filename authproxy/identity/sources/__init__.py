"""Sources of tokens: `build` makes the one that a setting names.

`auto` finds one that nobody named, at the places in `locations`; `gcloud` and `command` run
programs; `ready_made` reads finished tokens from files and variables. `inspection` looks at what
tokens are made from without making one, for the doctor. Credentials files and the metadata server
are in `google/`.
"""
