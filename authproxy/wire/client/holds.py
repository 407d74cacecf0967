"""Reasons for which nothing is read from a client of HTTP/1."""

EARLY = 1
"""Body came before there was a connection to the service."""
QUEUE = 2
"""A request sent ahead is waiting."""
CONGESTED = 4
"""The service reads slower than the client sends."""
SWITCH = 8
"""What follows depends on the service's answer to an Upgrade."""
ALL = EARLY | QUEUE | CONGESTED | SWITCH
