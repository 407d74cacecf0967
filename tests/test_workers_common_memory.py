import os

from authproxy.workers.common_memory import DESCRIPTORS, CommonMemory


def test_another_process_sees_the_same() -> None:
    ours = CommonMemory(2)
    theirs = CommonMemory(2, [os.dup(each) for each in ours.descriptors])
    theirs.shares.tell(2, 7)

    assert DESCRIPTORS == len({*ours.descriptors}) == len(theirs.descriptors)
    assert "<Shares [7]>" == repr(ours.shares)
    ours.gone(2)
    assert "<Shares []>, <SharedLimits [0 connections]>, <LoopTurns []>" in repr(theirs)
    ours.close()
    theirs.close()
