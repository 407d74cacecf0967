from itertools import combinations

from authproxy.wire.client import holds


def test_each_reason_can_hold_beside_every_other() -> None:
    reasons = (holds.EARLY, holds.QUEUE, holds.CONGESTED, holds.SWITCH)

    assert all(one & other == 0 for one, other in combinations(reasons, 2))
    assert holds.ALL == sum(reasons)
