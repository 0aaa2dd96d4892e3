"""Conditions that an operator did not plan for, each with the outcome of sluice(8), CONDITIONS.

That files change while the process is confined is in test_watch.py: every proxy there is.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from lib import files, net, refusal, shim, wire
from lib.dns import A, Answer
from lib.raw import echo
from lib.sluice import limited, refuse_to_start, sanitized, text_of, unrestricted

SOON = 30.0         # on a machine that is busy with everything else
ANY = limited("*.example.com", net.LITERAL, net.RAW)
TARGET = "raw.example.com:80"


@pytest.fixture
def echoing(raw):
    return raw(echo, port=80)


def works(client):
    client.send(b"ping")
    return client.read(4) == b"ping"


def is_served(proxy, target=TARGET, within=SOON):
    """A new client gets its tunnel, at least after a while."""
    def served():
        try:
            return proxy.refusal(target).status == 200
        except (AssertionError, OSError):
            return False    # closed without an answer

    wire.wait_for(served, within, message="tunnel")


def cpu(proxy):
    """Seconds of processor time so far, of all its threads: proc(5), schedstat."""
    folder = f"/proc/{proxy.pid}/task"
    tasks = [Path(folder, task, "schedstat") for task in os.listdir(folder)]
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def assert_rests(proxy, seconds=2.0):
    """It waits, and does not spin: that shows even where it gets a tenth of a processor."""
    before = cpu(proxy)
    time.sleep(seconds)
    assert cpu(proxy) - before < seconds / (10 if sanitized() else 40)


# -- few descriptors

FEW = ["prlimit", "--nofile=64:64"]


def silent_clients(proxy, count):
    return [wire.Wire(socket.create_connection(proxy.where)) for _ in range(count)]


@pytest.mark.covers("R2")
def test_64_files_are_enough_for_eleven_connections(start, echoing):
    proxy = start(ANY, wrapper=FEW)
    live = [proxy.tunnel(TARGET) for _ in range(11)]
    refusal.check(proxy.refusal(TARGET), 503, "overloaded")
    assert all(works(client) for client in live)
    more = silent_clients(proxy, 100)
    assert_rests(proxy)
    assert all(works(client) for client in live)
    for client in live + more:
        client.close()
    is_served(proxy)


@pytest.mark.covers("R3")
def test_a_limit_that_the_descriptors_do_not_allow(start, echoing):
    """Then the kernel says when there are no more: accepting pauses, and goes on by itself."""
    proxy = start(ANY, wrapper=FEW, config={"limits": {"connections": 1000}})
    assert "limits.connections is 1000, and there is room for 11" in proxy.errors()
    live = [proxy.tunnel(TARGET) for _ in range(5)]
    more = silent_clients(proxy, 200)
    wire.wait_for(lambda: proxy.descriptors() == 64, SOON, message="last descriptor")
    assert_rests(proxy)
    assert all(works(client) for client in live)
    for client in more:
        client.close()
    is_served(proxy)
    assert all(works(client) for client in live)


@pytest.mark.parametrize("few", [6, 16, 44])
def test_fewer_files_than_it_needs_are_refused_at_the_start(tmp_path, few):
    status, errors = refuse_to_start(tmp_path / "s", [ANY], config={"workers": 1},
                                     wrapper=["prlimit", f"--nofile={few}:{few}"])
    assert status == 2
    assert re.search(rf"{few} files may be open, and 45 are needed .*ulimit -n", errors), errors


# -- no IPv6

def set_ipv6(on):
    with open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w", encoding="ascii") as file:
        file.write("0" if on else "1")
    if on:
        lines = [f"address replace {address}/128 dev lo nodad\n"
                 for address in ("::1", *net.addresses()) if ":" in address]
        subprocess.run(["ip", "-batch", "-"], input="".join(lines), text=True, check=True)


@pytest.fixture(params=["switched off", "not in the kernel"])
def no_ipv6(request, tmp_path):
    """A wrapper for proxies that have no IPv6."""
    if request.param == "not in the kernel":
        yield shim.wrapper(shim.build(tmp_path, shim.NO_IPV6))
        return
    try:
        set_ipv6(False)
    except OSError as problem:
        pytest.skip(f"cannot be switched off here: {problem}")
    yield []
    set_ipv6(True)


def test_without_ipv6_everything_else_goes_on(start, no_ipv6):
    proxy = start(limited("*.example.com"), wrapper=no_ipv6)
    refusal.check(proxy.refusal("six.example.com:443"), 502, "connect_failed", "six.example.com")
    for target in ("both.example.com:443", "www.example.com:443"):
        assert proxy.refusal(target).status == 200
    opened = proxy.record.wait(event="open", host="both.example.com")
    assert opened["address"] == net.ORIGIN and net.ORIGIN_V6 in opened["addresses"]


def test_without_ipv6_a_listener_says_so(no_ipv6, tmp_path):
    status, errors = refuse_to_start(tmp_path / "s", [ANY], wrapper=no_ipv6,
                                     config={"listeners": [{"address": "[::1]:0"}]})
    assert status == 2
    assert re.search(r"\[::1\]:0: (Cannot assign requested address|Address family not supp)",
                     errors), errors


def test_a_name_server_without_a_way_to_it_is_passed_over(start, no_ipv6):
    proxy = start(ANY, wrapper=no_ipv6,
                  config={"resolver": {"servers": [f"[{net.RAW_V6}]:53", net.DNS]}})
    assert proxy.refusal("www.example.com:443").status == 200


# -- file systems that take nothing

def test_a_record_on_a_read_only_file_system_is_refused(mount, tmp_path):
    folder = mount()
    mount.again(folder, "ro")
    path = folder / "audit.jsonl"
    status, errors = refuse_to_start(tmp_path / "s", [ANY], config={"audit": {"path": str(path)}})
    assert status == 2 and f"{path}: Read-only file system" in errors


def read_only(folder):
    """A wrapper for whom nothing can be written, neither in the root file system nor there."""
    script = ('mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && '
              'mount -o remount,bind,ro / && ! touch "$1/x" /x 2>/dev/null && shift && exec "$@"')
    return ["unshare", "--mount", "sh", "-c", script, "sh", str(folder)]


def test_with_the_record_on_standard_output_nothing_is_written(mount, start, tmp_path, echoing):
    del mount       # needed for its namespace
    proxy = start(ANY, audit="stdout", wrapper=read_only(tmp_path))
    live = proxy.tunnel(TARGET)
    files.by_rename(proxy.environments[0], text_of(unrestricted()))
    wire.wait_for(lambda: proxy.reloads("env0.yaml") == 1, SOON, message="reload")
    assert works(live) and proxy.refusal("a.example.org:443").status == 200
    line = json.loads(proxy.process.stdout.readline())
    assert line["event"] == "open" and line["host"] == "raw.example.com"


def test_the_file_system_of_the_policy_becomes_read_only(mount, start, echoing):
    folder = mount()
    proxy = start(config={"environments": [str(folder)]},
                  prepare=lambda p: (folder / "env.yaml").write_text(text_of(ANY)))
    live = proxy.tunnel(TARGET)
    mount.again(folder, "ro")
    proxy.reload()
    assert works(live)
    is_served(proxy)


def fill(folder):
    """No byte more fits; the file that takes the room."""
    path = folder / "filler"
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return path


def refuse_many(proxy, count):
    """More lines than the proxy keeps while the disk is full; no two are equal."""
    filler = ".".join(["x" * 60] * 3)
    for i in range(count):
        assert proxy.refusal(f"n{i}.{filler}.example.net:443").status in (403, 503)


def whole_lines(path):
    """The lines of a record in which a full disk has cut one short."""
    lines = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        with contextlib.suppress(json.JSONDecodeError):
            lines.append(json.loads(line))
    return lines


@pytest.mark.covers("L3")
def test_what_a_full_disk_did_not_take_is_in_a_gap_line(mount, start, echoing):
    """test_audit.py has what clients see meanwhile."""
    folder, total = mount("size=4m"), 2500
    proxy = start(ANY, config={"audit": {"path": str(folder / "audit.jsonl"), "stall": "1s"}})
    filler = fill(folder)
    refuse_many(proxy, total)
    filler.unlink()
    is_served(proxy)

    def adds_up():
        lines = whole_lines(folder / "audit.jsonl")
        lost = sum(line["lost"] for line in lines if line["event"] == "gap")
        kept = len([line for line in lines if line["event"] == "deny"])
        return lost > 0 and lost + kept >= total

    wire.wait_for(adds_up, SOON, message="gap line")


@pytest.mark.covers("L3")
def test_a_full_disk_where_the_operator_prefers_to_go_on(small_disk, start, echoing):
    path = small_disk / "audit.jsonl"
    proxy = start(ANY, config={"audit": {"path": str(path), "on_failure": "continue",
                                         "stall": "1s"}})
    filler = fill(small_disk)
    for _ in range(20):
        assert proxy.refusal(TARGET).status == 200
    live = proxy.tunnel(TARGET)
    filler.unlink()
    live.close()
    wire.wait_for(lambda: [line for line in whole_lines(path) if line["event"] == "close"], SOON,
                  message="record again")


# -- name servers that are of no use

def only_www(answer):
    """www.example.com is told, to be kept; about everything else, this."""
    def script(name, kind, nth):
        if name == "www.example.com":
            return Answer(net.ORIGIN, ttl=300) if kind == A else Answer()
        return answer
    return script


RESOLVERS = {
    "silent": (Answer(silent=True), 504, "dns_timeout"),
    "refusing": (None, 502, "dns_failure"),     # it ends: its port is closed, ICMP says so
    "failing": (Answer(code=2), 502, "dns_failure"),
    "garbage": (Answer(raw=b"\xff" * 40), 504, "dns_timeout"),
}


@pytest.mark.covers("R10")
@pytest.mark.parametrize("how", RESOLVERS)
def test_a_dead_resolver_fails_what_needs_it_and_nothing_else(start, names, tmp_path, echoing,
                                                              how):
    answer, status, reason = RESOLVERS[how]
    server = names(only_www(answer))
    hosts = tmp_path / "hosts"
    hosts.write_text(f"{net.RAW} local.example.com\n")
    proxy = start(ANY, resolver=server.server,
                  config={"resolver": {"hosts_file": str(hosts), "timeout": "4s"},
                          "timeouts": {"resolve": "4s"}})
    assert proxy.refusal("www.example.com:443").status == 200
    live = proxy.tunnel(TARGET.replace("raw.example.com", net.RAW))
    if answer is None:
        server.stop()
    waiting = []

    def wait():
        waiting.append(proxy.refusal("dead.example.com:443"))

    thread = threading.Thread(target=wait)
    thread.start()
    for target in ("www.example.com:443", "local.example.com:80", f"{net.RAW}:80"):
        assert proxy.refusal(target).status == 200
    assert works(live)
    assert status == 502 or not waiting, "all that was while the other one waited"
    thread.join(SOON)
    refusal.check(waiting[0], status, reason, "dead.example.com")


# -- a clock that jumps

def test_a_clock_that_jumps_moves_no_timer(start, names, tmp_path, echoing):
    server = names(lambda name, kind, nth: Answer(silent=True) if name.startswith("silent")
                   else Answer(net.RAW, ttl=300 if name.startswith("kept") else 3)
                   if kind == A else Answer())
    clock = shim.Clock(tmp_path)
    proxy = start(ANY, resolver=server.server, wrapper=clock.wrapper,
                  config={"timeouts": {"head": "3s", "resolve": "3s", "idle": "1h"}})
    live = proxy.tunnel("kept.example.com:80")
    for years in (10, -20, 0):
        clock.set(years)
        assert works(live)
        proxy.tunnel("kept.example.com:80").close()
        assert server.count("kept.example.com") == 1, "what was known is known still"
        opened = proxy.record.lines(event="open")[-1]["time"]
        year = datetime.now().year + years
        assert abs(int(opened[:4]) - year) <= 1, "the record follows the clock"
        proxy.tunnel("short.example.com:80").close()
        asked = server.count("short.example.com")
        began, client = time.monotonic(), proxy.dial().send(b"CONNECT ")
        refusal.check(proxy.refusal("silent.example.com:80"), 504, "dns_timeout")
        assert client.response().status == 408
        assert time.monotonic() - began < SOON, "what was due in 3 s is not due in years"
        time.sleep(0.5)
        proxy.tunnel("short.example.com:80").close()
        assert server.count("short.example.com") > asked, "what had 3 s has had them"
    assert works(live)


def test_a_clock_that_jumps_changes_no_duration(start, tmp_path, echoing):
    clock = shim.Clock(tmp_path)
    proxy = start(ANY, wrapper=clock.wrapper)
    client = proxy.tunnel(TARGET)
    clock.set(-30)
    client.close()
    assert 0 <= proxy.record.wait(event="close")["duration_ms"] < SOON * 1000


def test_a_file_that_changes_when_the_clock_has_jumped(start, tmp_path, echoing):
    clock = shim.Clock(tmp_path)
    proxy = start(limited("tls.example.com"), wrapper=clock.wrapper)
    clock.set(-30)
    files.by_rename(proxy.environments[0], text_of(ANY))
    is_served(proxy)
