"""What is kept of a request's body."""

from authproxy.wire.relay.replay_buffer import REPLAY_BYTES, KeptBody


def test_a_small_body_is_kept_after_it_was_sent() -> None:
    kept = KeptBody()
    kept.add(b"a" * (REPLAY_BYTES - 1), is_sent=True)
    kept.add(b"b", is_sent=True)

    assert (True, REPLAY_BYTES) == (kept.is_whole, len(b"".join(kept.pieces)))


def test_a_large_body_is_given_up_as_it_is_sent() -> None:
    kept = KeptBody()
    kept.add(b"a" * REPLAY_BYTES, is_sent=True)
    kept.add(b"b", is_sent=True)
    kept.add(b"c", is_sent=True)

    assert (False, []) == (kept.is_whole, kept.pieces)


def test_what_has_not_been_sent_is_kept_whatever_its_size() -> None:
    kept = KeptBody()
    kept.add(bytes(REPLAY_BYTES + 1), is_sent=False)
    unsent = kept.is_whole
    kept.sent()

    assert (True, False) == (unsent, kept.is_whole)


def test_it_shows_how_much_it_holds() -> None:
    kept = KeptBody()
    kept.add(b"abc", is_sent=False)
    shown = repr(kept)
    kept.add(bytes(REPLAY_BYTES), is_sent=True)

    assert ("<KeptBody [3 bytes]>", "<KeptBody [given up]>") == (shown, repr(kept))
