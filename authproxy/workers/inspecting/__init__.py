"""Exchanges of workers, told to their parent, whose inspector is that of all.

`telling_observer` is the observer in a worker, `told` the parent's side, `exchange_message` an
exchange on its way between them.
"""
