"""Checks of settings against each other, and against files and the environment.

`consistency` has the list of all checks; each takes a `draft` and yields problems and warnings. The
others are by subject: `listeners`, `services`, `access`, `reach` (who can pass at all), `rules`,
`key_rights`, `credentials`, `admin`, `authorizer_places`, `limits`, `exposure` (what would let
others in on a secret).
"""
