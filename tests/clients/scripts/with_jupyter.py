"""Runs the cells of a notebook here, in a kernel there, as `jupyter lab --gateway-url` does.

Its WebSocket names its page as browsers do: the server compares `Origin` with `Host`.
"""

import os
import sys

from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayKernelManager
from nbclient import NotebookClient
from nbformat import v4

GatewayClient.instance(url=sys.argv[1], ca_certs=os.environ["SSL_CERT_FILE"])
cells = [
    "print(sum(range(10)))",
    "print('x' * 1_000_000)",
    "import os; print(os.environ['WHERE'])",
]
notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
client = NotebookClient(
    notebook, kernel_manager_class=GatewayKernelManager, kernel_name="python3", startup_timeout=60
)
client.execute()

said = ["".join(output["text"] for output in cell.outputs).strip() for cell in notebook.cells]
print(said[0], len(said[1]), said[2], sep="\n")
