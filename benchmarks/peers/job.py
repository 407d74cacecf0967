"""What a proxy is asked to do in a benchmark."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.service import Role, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Listen on a port of 127.0.0.1 and forward to the service."""

    port: int
    service: Service
    folder: Path
    """The proxy's own, empty folder; it goes away with the run."""
    role: Role = Role.HTTP1
    names: int = 0
    """With more than none: be the proxy of services s0, s1, …, which the Host tells apart."""

    @property
    def service_port(self) -> int:
        return self.service.ports[self.role]

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.service_port}"

    @property
    def headers(self) -> dict[str, str]:
        """What a request must have to get to the service."""
        return {"Host": "s0.localhost"} if self.names else {}

    @property
    def values(self) -> dict[str, str]:
        """What configuration files have in common."""
        return {
            "PORT": str(self.port),
            "SERVICE_PORT": str(self.service_port),
            "CA_FILE": str(self.service.ca_file),
            "TOKEN": self.service.token,
        }
