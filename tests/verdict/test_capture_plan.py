"""What to record for a question."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from analyzer.base.errors import UsageError
from analyzer.base.oddity import Family
from analyzer.verdict.capture_plan import HEADS_ONLY, MOST_SERVERS, TOPICS, WHOLE_PACKETS, plan_capture
from analyzer.verdict.codes import CODES

ROOT = Path(__file__).resolve().parents[2]
# Everything that is a question of its own and no code.
QUESTIONS = {"where", "refused", "mtls", "names", "gateway"}


def test_every_topic_is_a_question_or_something_that_is_missing() -> None:
    codes = {name for name, code in CODES.items() if code.family is Family.UNDETERMINED}

    assert TOPICS.keys() - QUESTIONS <= codes


def test_where_calls_go_is_seen_in_the_clients_pod() -> None:
    plan = plan_capture("where", client="shop/sleep-0", servers=())

    assert [(each.file, each.snap_len, each.seconds) for each in plan.recordings] == [
        ("shop_sleep-0.any.pcap", WHOLE_PACKETS, 60)
    ]
    assert plan.advice[0].startswith("Begin before")


def test_a_refusal_is_seen_at_both_ends_and_a_service_names_its_pods(market) -> None:
    plan = plan_capture("refused", client="shop/sleep-0", servers=("web.shop",), mesh=market.mesh())

    assert [each.file for each in plan.recordings] == [
        "shop_sleep-0.any.pcap", "shop_web-0.any.pcap", "shop_web-1.any.pcap",
    ]  # fmt: skip


def test_of_many_pods_some_are_enough(town) -> None:
    town.service("shop/web", "10.9.0.1")
    for n in range(5):
        town.pod(f"shop/web-{n}")

    plan = plan_capture("mtls", client=None, servers=("web",), mesh=town.mesh())

    assert len(plan.recordings) == MOST_SERVERS
    assert {each.interface for each in plan.recordings} == {"eth0"}


def test_what_becomes_large_is_cut() -> None:
    small, large = (
        plan_capture("where", client="a/b", servers=(), seconds=600, calls_per_second=rate, body_len=50_000)
        for rate in (1, 100)
    )

    assert small.recordings[0].snap_len == WHOLE_PACKETS
    assert large.recordings[0].snap_len == HEADS_ONLY
    assert large.recordings[0].estimated_len < 100 * small.recordings[0].estimated_len
    assert "4096" in large.advice[-1]


def test_the_estimate_is_that_of_the_recorded_shop() -> None:
    """The pod that makes most calls, with its bodies of about 300 bytes: right within a third."""
    recorded = (ROOT / "captures/shop-default/pods/shop_sleep-0.any.pcap").stat().st_size

    plan = plan_capture("where", client="a/b", servers=(), seconds=71, calls_per_second=1, body_len=300)

    assert abs(plan.recordings[0].estimated_len - recorded) < recorded / 3


@pytest.mark.parametrize(
    ("question", "client", "servers", "told"),
    [
        ("where", None, (), "--from NAMESPACE/POD"),
        ("refused", "a/b", (), "--to NAMESPACE/POD or HOST"),
        ("where", "sleep-0", (), "found 'sleep-0', expected NAMESPACE/POD"),
        ("where", "a/b; rm", (), "found 'a/b; rm', expected NAMESPACE/POD"),
        ("mtls", None, ("web",), "a Service of a mesh given with -m"),
    ],
)
def test_what_is_missing_is_told(question, client, servers, told) -> None:
    with pytest.raises(UsageError) as error:
        plan_capture(question, client=client, servers=servers)

    assert told in str(error.value)


def test_a_service_that_there_is_not_or_that_has_no_pod_is_told(town) -> None:
    mesh = town.service("shop/web", "10.9.0.1").mesh()

    for host, told in (("ghost", "expected NAMESPACE/POD or the host of a Service"), ("web", "no pod of the mesh")):
        with pytest.raises(UsageError, match=told):
            plan_capture("mtls", client=None, servers=(host,), mesh=mesh)


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
@pytest.mark.parametrize("text", sorted({topic.filter for topic in TOPICS.values()}))
def test_tcpdump_takes_every_filter(text) -> None:
    done = subprocess.run(["tcpdump", "-y", "LINUX_SLL2", "-d", text], capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
