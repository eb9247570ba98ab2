import os

from analyzer.base.scratch import Scratch


def test_what_was_written_is_read_back() -> None:
    scratch = Scratch()

    scratch.write(b"one ")
    scratch.write(memoryview(b"two"))

    assert bytes(scratch.mapped()) == b"one two"


def test_nothing_written_is_nothing_read() -> None:
    assert bytes(Scratch().mapped()) == b""


def test_what_is_mapped_outlives_the_file() -> None:
    scratch = Scratch()
    scratch.write(b"kept")
    mapped = scratch.mapped()

    del scratch

    assert bytes(mapped) == b"kept"


def test_a_fork_writes_to_the_same_file() -> None:
    scratch = Scratch()
    pid = os.fork()
    if not pid:
        scratch.write(b"from the other one")
        os._exit(0)

    os.waitpid(pid, 0)

    assert bytes(scratch.mapped()) == b"from the other one"


def test_what_is_cleared_is_begun_anew() -> None:
    scratch = Scratch()
    scratch.write(b"forgotten")

    scratch.clear()
    scratch.write(b"new")

    assert (scratch.tell(), bytes(scratch.mapped())) == (3, b"new")
