"""`jupyter_app.py PORT FOLDER`: Jupyter's server, which keeps everything in the folder.

Whoever Cloud Run lets in needs no token of Jupyter's own.
"""

import os
import sys

port, folder = sys.argv[1:]
for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
    os.environ[name] = folder
os.environ["WHERE"] = "on Cloud Run"

from jupyter_server.serverapp import main  # noqa: E402 -- reads the variables

sys.exit(
    main(
        [
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            f"--ServerApp.root_dir={folder}",
            "--ServerApp.disable_check_xsrf=True",
            "--IdentityProvider.token=",
        ]
    )
)
