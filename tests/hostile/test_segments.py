"""TCP that was made to break a reader: the stream is what Linux reads, and what was strange is told."""

import random

import pytest

NAMES = ["a.example"]


@pytest.fixture
def spoken(make):
    """A capture of one call whose request came in segments of ``size`` bytes."""

    def speak(size: int = 9, isn: int = 1000):
        tap = make.Tap()
        talk = tap.talk(next=[isn, 5000]).open()
        request = make.get()
        for at in range(0, len(request), size):
            talk.ask(request[at : at + size])
        talk.answer().close()
        return tap

    return speak


def test_c04_segments_in_reverse_are_read_in_order(spoken, hear) -> None:
    tap = spoken()
    frames = tap.frames

    assert hear(tap.pcap([*frames[:3], *frames[-5:2:-1], *frames[-4:]])).hosts == NAMES
    assert hear(tap.pcap(frames[::-1])).hosts == NAMES


@pytest.mark.parametrize(("begin", "host"), [(25, "good.example"), (0, "good.example")])
def test_c07_bytes_that_came_first_stay_where_others_overlap_them(make, hear, begin: int, host: str) -> None:
    tap = make.Tap()
    talk = tap.talk().open()
    good, evil, at = make.get("good.example"), make.get("evil.example"), talk.next[0]
    talk.ask(good[:30]).send(make.CLIENT, make.ACK, evil[begin:], at=at + begin)
    talk.next[make.CLIENT] = at + len(good)
    talk.answer().close()

    heard = hear(tap.pcap())

    assert heard.hosts == [host]
    assert "repeat bytes of the stream with others in their place" in heard.odd


def test_c08_sequence_numbers_may_wrap_in_a_shuffled_request(spoken, hear) -> None:
    tap = spoken(5, isn=2**32 - 20)
    between = tap.frames[3:-4]
    random.Random(3).shuffle(between)

    assert hear(tap.pcap([*tap.frames[:3], *between, *tap.frames[-4:]])).hosts == NAMES


def test_c11_of_two_syns_the_one_that_is_answered_counts(make, hear) -> None:
    tap = make.Tap()
    talk = tap.talk().send(make.CLIENT, make.SYN)
    talk.next = [777_000, 5000]
    talk.open().ask(make.get()).answer().close()

    heard = hear(tap.pcap())

    assert (heard.hosts, heard.flows) == (NAMES, 1)


def test_c12_without_its_syn_a_client_is_known_by_the_answer_to_it(spoken, hear) -> None:
    tap = spoken()

    flow = hear(tap.pcap(tap.frames[1:])).of("flow")[0]

    assert (flow["orig_p"], flow["resp_p"]) == (40000, 8080)


def test_c19_a_fin_may_come_before_its_data(spoken, hear) -> None:
    tap = spoken(100)
    frames = tap.frames

    assert hear(tap.pcap([*frames[:3], frames[5], *frames[3:5], *frames[6:]])).hosts == NAMES


def test_c19_a_fin_in_the_middle_ends_nothing_that_is_acknowledged_beyond_it(make, hear) -> None:
    tap = make.Tap()
    talk, request = tap.talk().open(), make.get()
    middle = talk.next[0] + 10
    talk.ask(request[:10]).send(make.CLIENT, make.FIN | make.ACK, at=middle + 500)
    talk.send(make.CLIENT, make.FIN | make.ACK)
    talk.next[make.CLIENT] = middle
    talk.ask(request[10:]).answer().close()

    heard = hear(tap.pcap())

    assert heard.hosts == NAMES
    assert "FIN were ignored" in heard.odd


def test_c20_both_ends_may_open_and_a_handshake_may_be_split(make, hear) -> None:
    both, split = make.Tap(), make.Tap()
    talk = both.talk().send(make.CLIENT, make.SYN).send(make.SERVER, make.SYN)
    talk.send(make.CLIENT, make.SYN | make.ACK, at=1000).send(make.SERVER, make.SYN | make.ACK, at=5000)
    talk.ask(make.get()).answer().close()
    talk = split.talk().send(make.CLIENT, make.SYN).send(make.SERVER, make.ACK).send(make.SERVER, make.SYN)
    talk.send(make.CLIENT, make.SYN | make.ACK, at=1000).send(make.SERVER, make.ACK)
    talk.ask(make.get()).answer().close()

    for heard in (hear(both.pcap()), hear(split.pcap())):
        assert (heard.hosts, heard.of("flow")[0]["orig_p"]) == (NAMES, 40000)


@pytest.mark.parametrize("closed", [True, False])
def test_c21_and_c22_a_port_that_is_used_again_is_another_connection(make, hear, closed: bool) -> None:
    tap = make.Tap()
    first = tap.talk().open().ask(make.get()).answer()
    if closed:
        first.close()
    tap.talk(next=[900_000, 800_000]).open().ask(make.get("b.example")).answer().close()

    heard = hear(tap.pcap())

    assert (heard.hosts, heard.flows) == (["a.example", "b.example"], 2)


def test_c23_the_byte_of_a_keep_alive_probe_is_not_in_the_stream(make, hear) -> None:
    tap = make.Tap()
    talk = tap.talk().open().ask(make.get()).answer()
    talk.send(make.CLIENT, make.ACK, b"\0", at=talk.next[0] - 1).send(make.SERVER, make.ACK)
    talk.ask(make.get("b.example")).answer().close()

    assert hear(tap.pcap()).hosts == ["a.example", "b.example"]


def test_c29_on_one_address_ports_tell_the_ends_apart(make, hear) -> None:
    tap = make.Tap()
    tap.talk(ends=("127.0.0.1", "127.0.0.1")).open().ask(make.get()).answer().close()

    heard = hear(tap.pcap())

    assert (heard.hosts, heard.of("flow")[0]["orig_p"]) == (NAMES, 40000)


def test_c33_a_call_is_found_in_a_flood_of_syns(make, hear) -> None:
    tap = make.Tap()
    for number in range(3000):
        source = f"10.1.{number >> 8}.{number & 255}"
        tap.packet(make.ipv4(make.tcp_segment((1024, 80), number, 0, make.SYN), (source, "10.0.0.2")))
    tap.talk().open().ask(make.get()).answer().close()

    heard = hear(tap.pcap())

    assert (heard.flows, [host for host in heard.hosts if host]) == (3001, NAMES)


@pytest.mark.parametrize("flags", ["FIN", "RST"])
def test_c34_a_storm_of_ends_is_one_connection(make, hear, flags: str) -> None:
    tap = make.Tap()
    talk = tap.talk().open().ask(make.get()).answer()
    for number in range(1000):
        side = number % 2
        talk.send(side, getattr(make, flags) | make.ACK, at=talk.next[side])

    heard = hear(tap.pcap())

    assert (heard.hosts, heard.flows, len(heard.of("flow")[0]["history"]) < 40) == (NAMES, 1, True)


def test_c36_a_connection_may_be_silent_for_hours(make, hear) -> None:
    tap = make.Tap()
    talk = tap.talk().open().ask(make.get()).answer()
    before = len(tap.frames)
    talk.ask(make.get("b.example")).answer().close()
    late = [make.record(each, n, seconds=1_700_007_200) for n, each in enumerate(tap.frames[before:])]

    heard = hear(tap.pcap(tap.frames[:before]) + b"".join(late))

    assert (heard.hosts, heard.flows) == (["a.example", "b.example"], 1)


def test_c38_hundreds_of_requests_may_stand_in_one_segment(make, hear) -> None:
    tap = make.Tap()
    talk = tap.talk().open().ask(make.get() * 400)
    for _ in range(400):
        talk.answer()
    talk.close()

    assert hear(tap.pcap()).hosts == NAMES * 400


def test_a_reset_that_is_not_the_next_byte_hides_nothing_that_was_acknowledged(make, hear) -> None:
    tap = make.Tap()
    talk, request = tap.talk().open(), make.get()
    talk.ask(request[:10]).send(make.CLIENT, make.RST, at=talk.next[0] + 100_000)
    talk.ask(request[10:]).answer().close()

    assert hear(tap.pcap()).hosts == NAMES


def test_windows_of_zero_are_no_reason_to_drop_what_was_sent(make, hear) -> None:
    tap = make.Tap()
    tap.talk().open().ask(make.get(), window=0).answer(window=0).close()

    assert hear(tap.pcap()).hosts == NAMES
