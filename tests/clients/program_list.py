"""Programs that are no HTTP clients in the first place, and what they talk to."""

from tests.clients.client import Client
from tests.clients.services.film import film
from tests.clients.services.git_server import git_repository
from tests.clients.services.programs import container_registry, metrics, webdav

PROGRAMS = [
    Client(
        name="wget",
        script="wget.sh",
        says=("downloaded 3000000", "uploaded 3000000", "redirected 200"),
        fails="ERROR 403: Forbidden",
    ),
    Client(
        name="git",
        script="git.sh",
        service=git_repository,
        says=("pushed", "cloned 8000000", "pulled 51 commits"),
        fails="The requested URL returned error: 403",
    ),
    Client(
        name="rclone (WebDAV)",
        script="rclone.sh",
        service=webdav,
        says=(
            "copied 2 files",
            "again",
            "inner/large",
            "with blank & ümlaut#1.txt",
            "read a range of 1000",
        ),
        fails="403 Forbidden",
    ),
    Client(
        name="ffmpeg",
        script="ffmpeg.sh",
        service=film,
        says=("a film of 20 seconds", "a picture of second 15, without reading it all"),
        fails="403 Forbidden",
    ),
    Client(
        name="skopeo",
        script="skopeo.sh",
        service=container_registry,
        says=("pushed", "pulled the same", 'copied to {"Repository":"other/app","Tags":["2"]}'),
        fails=r"invalid status code from registry 403",
    ),
    Client(
        name="Prometheus",
        script="with_prometheus.py",
        service=metrics,
        says=("health up", "invoices_total 42"),
        fails="server returned HTTP status 403 Forbidden",
    ),
]
