"""Questions to another process of ours, which ends when there are none.

google-auth, with what it needs, takes a third of all memory, for a second once an hour: so it is
imported in a process apart. Nothing in here knows of Google.

Read `helper` first: it starts a process when something is asked, keeps it for a few seconds, and
says when none can be had. `process` is one of them, seen from outside: who waits for which answer;
`forked` is one that was there before anything was asked. `pipe_frames` are what both say, `kill`
ends one with all that it has started. What runs inside is `identity.google.answering`.
"""
