import pytest

from authproxy.workers.own_share import with_own_share
from tests.support.configuring import URL, settings


@pytest.mark.parametrize(
    ("most", "shares"),
    [(1000, [500, 500]), (7, [4, 3]), (1, [1, 1]), (8, [3, 3, 2]), (3, [3])],
)
def test_together_they_have_what_one_process_would_have_and_each_has_some(
    most: int, shares: list[int]
) -> None:
    whole = settings(urls=[URL], environ={"AUTHPROXY_LIMITS_CONNECTIONS_PER_SERVICE": str(most)})
    own = [with_own_share(whole, number, len(shares)) for number in range(1, len(shares) + 1)]

    assert shares == [each.limits.connections_per_service for each in own]
    assert most == whole.limits.connections_per_service
    assert {whole.limits.head_bytes} == {each.limits.head_bytes for each in own}
