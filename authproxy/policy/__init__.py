"""Decisions: pure functions and tables, without I/O and without a clock.

access/    who may pass: address, key, page, method, path
messages/  what changes in a head between client and service, and why
google/    whose answer it is, and what helps against a refusal of Google's
routes     which service a request is for
retry      when it may be sent again
start_page what stands where nothing is served
"""
