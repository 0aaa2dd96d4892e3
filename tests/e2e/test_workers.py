"""How many workers `auto` is, and how connections come to them."""

import os
import re
import socket
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from lib import wire
from lib.sluice import limited, sanitized, unrestricted

ANY = unrestricted()
GROUPS = Path("/sys/fs/cgroup")
PROCESSORS = len(os.sched_getaffinity(0))
CONNECTIONS = 4000
BAR = 1.3           # the fullest worker against the emptiest: chance alone stays below 1.15


def workers_of(proxy):
    """Its threads but the main one; a sanitizer may have one of its own."""
    return len(os.listdir(f"/proc/{proxy.pid}/task")) - 1


def assert_workers(proxy, count, why):
    """It says how many there are and why, which begins so; and there are."""
    found = re.search(r"^sluice: workers: (\d+); (.*)$", proxy.errors(), re.MULTILINE)
    assert found and int(found[1]) == count and found[2].startswith(why), proxy.errors()
    assert workers_of(proxy) - count in ([0, 1] if sanitized() else [0])
    assert proxy.refusal("www.example.com:80").status == 200


def processors(count):
    return f"{count} processor{'s' if count > 1 else ''} may be used"


class ProcessorGroup:
    """A cpu cgroup of version 1 or 2; making it may fail with OSError."""

    def __init__(self):
        v1 = GROUPS / "cpu"
        self.v1 = v1.is_dir()
        self.path = Path(tempfile.mkdtemp(prefix="sluice-e2e-", dir=v1 if self.v1 else GROUPS))

    def limit(self, quota, period):
        if self.v1:
            (self.path / "cpu.cfs_period_us").write_text(str(period))
            (self.path / "cpu.cfs_quota_us").write_text(str(quota))
        elif (self.path / "cpu.max").exists():      # writing would make a file elsewhere
            (self.path / "cpu.max").write_text(f"{quota} {period}")
        else:
            raise FileNotFoundError("the groups have no cpu controller")

    def wrapper(self, below=""):
        """Into the group, or one below it that has no limit of its own."""
        folder = self.path / below
        folder.mkdir(exist_ok=True)
        return ["sh", "-c", f'echo 0 >{folder}/cgroup.procs && exec "$@"', "sh"]

    def remove(self):
        for folder in (*(f for f in self.path.iterdir() if f.is_dir()), self.path):
            folder.rmdir()      # the proxies have ended


@pytest.fixture
def group():
    made = None
    try:
        made = ProcessorGroup()
        made.limit(200000, 100000)
    except OSError as problem:
        if made is not None:
            made.remove()
        pytest.skip(f"no cpu cgroup can be made here: {problem}")
    yield made
    made.remove()


# -- auto

def test_without_a_quota_there_is_one_for_each_processor(start):
    proxy = start(ANY, workers="auto")
    if "control groups allow" in proxy.errors():
        pytest.skip("these tests run with a quota themselves")
    assert_workers(proxy, PROCESSORS, processors(PROCESSORS))


def test_affinity_is_asked_for(start):
    one = min(os.sched_getaffinity(0))
    proxy = start(ANY, workers="auto", wrapper=["taskset", "--cpu-list", str(one)])
    assert_workers(proxy, 1, processors(1))


@pytest.mark.parametrize(("quota", "period", "below", "workers", "says"), [
    (50000, 100000, "", 1, "0.50"),
    (50000, 50000, "", 1, "1.00"),
    (150000, 100000, "", 2, "1.50"),        # a part of a processor counts as one
    (75000, 50000, "inner", 2, "1.50"),     # of the group above its own
])
def test_the_quota_of_a_group(group, start, quota, period, below, workers, says):
    if PROCESSORS < 2:
        pytest.skip("one processor allows one worker, whatever the quota")
    group.limit(quota, period)
    proxy = start(ANY, workers="auto", wrapper=group.wrapper(below))
    assert_workers(proxy, workers,
                   f"{processors(PROCESSORS)}, of which control groups allow {says}")


def test_a_number_is_the_operators_decision(group, start):
    group.limit(50000, 100000)
    proxy = start(ANY, workers=3, wrapper=group.wrapper())
    assert workers_of(proxy) - 3 in ([0, 1] if sanitized() else [0])
    assert "workers" not in proxy.errors()


@pytest.mark.skipif(PROCESSORS < 2, reason="auto is one")
def test_auto_is_not_the_reason_for_not_starting(start):
    """Two workers need 54 files, one needs 45."""
    proxy = start(ANY, workers="auto", wrapper=["prlimit", "--nofile=53:53"])
    assert_workers(proxy, 1, processors(PROCESSORS))


# -- who takes a connection

def refuse_many(where, count):
    """Short connections, one after the other, each of which is refused."""
    head = wire.connect_head("refused.example.com:443")
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    for _ in range(count):
        with socket.socket(family) as client:
            client.connect(where)
            client.sendall(head)
            assert client.recv(64).startswith(b"HTTP/1.1 403 ")


def test_connections_are_spread_evenly(start):
    """The kernel spreads them by a hash of their ends, and each worker has a queue of its own."""
    proxy = start(limited("www.example.com"), workers=2)
    refuse_many(proxy.where, CONNECTIONS)
    counts = Counter()

    def all_there():
        counts.clear()
        for line in proxy.record.lines(event="deny"):
            counts[line["worker"]] += line.get("count", 1)
        return sum(counts.values()) == CONNECTIONS

    wire.wait_for(all_there, message="lines of all")
    assert len(counts) == 2 and max(counts.values()) <= BAR * min(counts.values()), counts


def watchers(proxy, path):
    """How many descriptors of the proxy are the socket that listens there."""
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    inodes = [row[6] for row in rows if row[3] == "00010000" and row[7:] == [path]]
    return proxy.descriptor_names().count(f"socket:[{inodes[0]}]")


def test_a_unix_listener_wakes_four_workers_at_most(start, tmp_path):
    """A queue that many watch wakes all of them for each connection; neighbours have others."""
    paths = [str(tmp_path / f"{n}.sock") for n in range(3)]
    proxy = start(limited("www.example.com"), workers=6,
                  config={"listeners": [{"unix": path} for path in paths]})
    allowed = [{0, 1, 2, 3}, {4, 5, 0, 1}, {2, 3, 4, 5}]
    for path, workers in zip(paths, allowed):
        assert watchers(proxy, path) == 4
        with proxy.stopped():
            waiting = [wire.dial(path).send(wire.connect_head("refused.example.com:443"))
                       for _ in range(100)]
        assert {client.response("CONNECT").status for client in waiting} == {403}
        lines = proxy.record.wait_count(100, event="deny", listener=f"unix:{path}")
        assert {line["worker"] for line in lines} <= workers
