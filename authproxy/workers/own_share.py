"""A worker's part of what all of them may have of a service. Pure."""

from authproxy.settings import Settings


def with_own_share(settings: Settings, worker: int, workers: int) -> Settings:
    """`settings` of all, as the one of this number, from 1 on, keeps within them.

    Clients are shared evenly, and so are their requests. A worker that may have no connection at
    all would serve nobody, so it has one at least.
    """
    most = settings.limits.connections_per_service
    own = most // workers + (worker <= most % workers)
    limits = settings.limits.model_copy(update={"connections_per_service": max(1, own)})
    return settings.model_copy(update={"limits": limits})
