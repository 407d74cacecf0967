"""Keeps the last exchanges under one bound of memory, without secrets.

`observer` hears of exchanges, `pieces` of their content, `record_maker` makes a `record` of each,
`store` keeps them and counts what they take, `kept_heads` has each head that repeats once,
`token_notes` what a token says of itself, `service_rates` how many there were and how long they
took.
"""
