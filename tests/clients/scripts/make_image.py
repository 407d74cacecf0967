"""`make_image.py LAYER.tar FOLDER`: an OCI image of one layer, as `FOLDER:one`."""

import gzip
import hashlib
import json
import sys
from pathlib import Path

TYPE = "application/vnd.oci.image"
layer = Path(sys.argv[1]).read_bytes()
folder = Path(sys.argv[2])
blobs = folder / "blobs" / "sha256"
blobs.mkdir(parents=True)


def digest(content):
    return hashlib.sha256(content).hexdigest()


def blob(content, kind):
    (blobs / digest(content)).write_bytes(content)
    return {"mediaType": kind, "digest": f"sha256:{digest(content)}", "size": len(content)}


def as_json(value):
    return json.dumps(value).encode()


packed = blob(gzip.compress(layer, 1, mtime=0), f"{TYPE}.layer.v1.tar+gzip")
rootfs = {"type": "layers", "diff_ids": [f"sha256:{digest(layer)}"]}
about = as_json({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs})
manifest = {
    "schemaVersion": 2,
    "mediaType": f"{TYPE}.manifest.v1+json",
    "config": blob(about, f"{TYPE}.config.v1+json"),
    "layers": [packed],
}
listed = blob(as_json(manifest), f"{TYPE}.manifest.v1+json")
listed["annotations"] = {"org.opencontainers.image.ref.name": "one"}
(folder / "index.json").write_bytes(as_json({"schemaVersion": 2, "manifests": [listed]}))
(folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
