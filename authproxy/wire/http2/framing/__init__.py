"""Frames (RFC 9113 4 and 6): `frames` says how they look, `scanner` cuts bytes into them,
`settings` which SETTINGS pass, `flood_guard` what may come only so often."""
