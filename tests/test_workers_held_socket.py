import socket

from authproxy.workers.held_socket import HeldSocket


def test_it_stays_open_until_it_is_closed_or_given_away() -> None:
    held: list[HeldSocket] = []
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        held += [HeldSocket(one, held), HeldSocket(two, held)]
        first, second = held

        assert second.release() is two
        assert [first] == held
        first.close()

        assert [] == held
        assert (-1, "<HeldSocket [closed]>") == (one.fileno(), repr(first))
        assert "<HeldSocket [open]>" == repr(second)
        second.close()
        second.close()
