"""Real MCP clients and servers, pinned, through authproxy: what each makes of which trouble.

    scripts/mcp_table                # install, run, print the table, compare it with expected.txt
    scripts/mcp_table --write        # keep what came out as what is expected
    scripts/mcp_table --keep DIR     # install there, once
    scripts/mcp_table --only down    # rows with that word

`kinds` says which clients and servers there are, `installed` puts them into a folder, `driver` runs
a client step by step, `stage` has the pretend Cloud Run with a server behind it and the trouble,
`rows` plays it, `expected` compares. `clients/` is run by the Pythons and Nodes that have the SDKs.
"""
