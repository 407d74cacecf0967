import threading

from authproxy.runtime.process.last_resort import end_after


def test_a_process_whose_end_hangs_is_ended_with_its_code() -> None:
    ended, codes = threading.Event(), list[int]()

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    timer = end_after(0.0, 143, end)

    assert ended.wait(10)
    assert ([143], True) == (codes, timer.daemon)
