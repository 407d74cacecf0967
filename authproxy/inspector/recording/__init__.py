"""Keeps the last exchanges under one bound of memory, without secrets.

`observer` hears of exchanges and makes a `record` of each, `pieces` hears of their content, `store`
keeps them and counts what they take, `kept_heads` has each head that repeats once, `token_notes`
what a token says of itself, `service_rates` how many there were and how long they took.
"""
