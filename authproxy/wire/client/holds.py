"""Why nothing is read from a client at the moment: several reasons may hold at once.

Plain numbers, added up: an IntFlag's operators are Python functions, and these are on the way of
every request.
"""

EARLY = 1
"""Body came before there was a connection to the service."""
QUEUE = 2
"""A request sent ahead is waiting."""
CONGESTED = 4
"""The service reads slower than the client sends."""
SWITCH = 8
"""What follows depends on the service's answer to an Upgrade."""
ALL = EARLY | QUEUE | CONGESTED | SWITCH
