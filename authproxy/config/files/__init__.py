"""Files that a configuration names: each read in one place, each mistake a sentence.

`reading` is what the others are made of: `network_lists`, `inbound_keys`, `certificates`,
`secrets`.
"""
