from authproxy.admin.admin_key import AdminKey
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
