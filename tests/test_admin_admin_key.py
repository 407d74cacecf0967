from authproxy.admin.admin_key import MOST_TICKETS, TICKET_S, AdminKey
from authproxy.exchange import Secret


def test_only_the_key_opens_and_only_the_cookie_is_one() -> None:
    key = AdminKey()
    text, cookie = key.key.reveal(), key.cookie.reveal()

    assert [True, False, False, False] == [key.opens(t) for t in (text, cookie, "", "\udcff")]
    assert [False, True, False] == [key.is_cookie(t) for t in (text, cookie, "")]


def test_each_run_has_another_key_and_shows_none() -> None:
    one, other = AdminKey(), AdminKey()

    assert one.key != other.key
    assert "<AdminKey [made]>" == repr(one)


def test_a_chosen_key_counts() -> None:
    key = AdminKey(Secret("a-key-of-our-own"))

    assert key.opens("a-key-of-our-own")
    assert "<AdminKey [chosen]>" == repr(key)


def test_a_ticket_counts_once_and_for_its_time_only() -> None:
    key = AdminKey()
    first, second = key.make_ticket(0.0).reveal(), key.make_ticket(0.0).reveal()

    assert not key.takes_ticket("", 1.0)
    assert [True, False] == [key.takes_ticket(first, TICKET_S - 1) for _ in range(2)]
    assert not key.takes_ticket(second, TICKET_S + 1)
    assert not key.opens(first)


def test_tickets_that_nobody_uses_are_not_kept_for_ever() -> None:
    key = AdminKey()
    tickets = [key.make_ticket(0.0).reveal() for _ in range(MOST_TICKETS + 1)]

    assert [False, True] == [key.takes_ticket(t, 1.0) for t in (tickets[0], tickets[1])]
    assert key.takes_ticket(tickets[-1], 1.0)
