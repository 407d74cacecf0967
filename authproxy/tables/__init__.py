"""Tables of settings, checked by pydantic and read without it.

`frozen` is the base of every table, `field` what a table says of one of its values.
"""
