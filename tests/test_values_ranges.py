from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from authproxy.values import parse_network
from authproxy.values.ranges import Range, common, ranges_of, without

NETWORKS = st.lists(
    st.builds(
        lambda last, length: parse_network(f"10.0.0.{last}/{length}"),
        st.integers(0, 31),
        st.integers(27, 32),
    )
    | st.builds(lambda last: parse_network(f"2001:db8::{last:x}/126"), st.integers(0, 31)),
    max_size=5,
)
EVERY = [ip_address(f"10.0.0.{last}") for last in range(34)] + [
    ip_address(f"2001:db8::{last:x}") for last in range(34)
]


def members(ranges: list[Range]) -> set[str]:
    return {
        str(address)
        for address in EVERY
        if any(
            family == address.version and first <= int(address) <= last
            for family, first, last in ranges
        )
    }


@given(NETWORKS, NETWORKS)
def test_ranges_are_sets_of_addresses(ours: list, theirs: list) -> None:  # type: ignore[type-arg]  # -- networks
    mine, others = ranges_of(ours), ranges_of(theirs)
    in_ours = {str(each) for each in EVERY if any(each in network for network in ours)}
    in_theirs = {str(each) for each in EVERY if any(each in network for network in theirs)}

    assert in_ours == members(mine)
    assert in_ours & in_theirs == members(common(mine, others))
    assert in_ours - in_theirs == members(without(mine, others))


def test_halves_make_a_whole() -> None:
    halves = [parse_network("0.0.0.0/1"), parse_network("128.0.0.0/1")]

    assert ranges_of([parse_network("0.0.0.0/0")]) == ranges_of(halves)
