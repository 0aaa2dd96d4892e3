"""The load program of `make bench`: what it counts is what the proxy has recorded.

Nothing here is about time.  A benchmark that loses tunnels, or finds what is not there, says
nothing; and one that nobody runs rots.
"""

import importlib
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lib import wire
from lib.dns import A, Answer
from lib.net import PUBLIC_V4
from lib.sluice import binary, limited

BENCH = Path(__file__).resolve().parent.parent / "bench"
README = BENCH.parent.parent / "README.md"
LOAD = Path(binary()).parent / "load"
PORTS = [9000, 9001, 9002, 9003]
TUNNELS = 20
MESSAGE = 64
FAILURES = ("no_connection", "other_status", "broken", "too_late")
PATIENCE = 120


def load(*arguments):
    """Lines that it printed, parsed; without a partner it waits for nobody."""
    assert LOAD.exists(), f"{LOAD} is not there: make e2e builds it"
    done = subprocess.run([LOAD, *map(str, arguments)], capture_output=True, text=True,
                          timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line != "ready"]


def serving(port, *command):
    """The process of a command, once somebody listens there."""
    process = subprocess.Popen([LOAD, *command])

    def listens():
        assert process.poll() is None, "it ended by itself"
        with socket.socket() as probe:
            return probe.connect_ex(port) == 0

    wire.wait_for(listens, message=f"{command[0]} that listens")
    return process


def end(process):
    assert process.poll() is None, "it ended by itself"
    process.kill()
    process.wait()


def failed(found):
    return {key: found[key] for key in FAILURES if found[key]}


@pytest.fixture(scope="module")
def upstream():
    process = serving(("127.1.0.16", PORTS[-1]), "upstream")
    yield
    end(process)


def name_server(name, kind, _nth):
    number = re.fullmatch(r"h(\d+)\.bench\.example\.net", name)
    return Answer(*[f"127.1.0.{number[1]}"] if number and kind == A else [])


@pytest.fixture
def proxy(start, names, upstream):
    return start(limited("*.bench.example.net"), resolver=names(name_server).server, config={
        "operator": {"exempt": [{"net": "127.0.0.0/8", "ports": PORTS}],
                     "ports": {"limited": PORTS}},
        "tls_ports": [9003]})


@pytest.fixture(params=["copy", "splice"])
def floor(request, upstream):
    """The bare relay, by its address."""
    where = ("127.0.0.1", 3110)
    splice = ["--splice"] if request.param == "splice" else []
    process = serving(where, "floor", "--listen", "%s:%d" % where, *splice)
    yield "%s:%d" % where
    end(process)


def via(proxy):
    return ["--proxy", "%s:%d" % proxy.where]


def closed(proxy, count=TUNNELS):
    """The lines of so many tunnels that have ended, and of no other."""
    lines = proxy.record.wait_count(count, event="close")
    assert len(lines) == len(proxy.record.lines(event="open")) == count
    return lines


@pytest.mark.parametrize("more", [[], ["--tls"]], ids=["plain", "hello"])
def test_short_tunnels_are_all_recorded(proxy, more):
    [found] = load("rate", *more, "--count", TUNNELS, "--tunnels", 3, *via(proxy))
    assert (found["done"], failed(found)) == (TUNNELS, {})
    assert found["p99_us"] >= found["p50_us"] > 0
    lines = closed(proxy)
    assert {line["host"] for line in lines} == {f"h{n}.bench.example.net" for n in range(1, 17)}
    if more:
        assert all(line["sni"] == line["host"] for line in lines)
    else:
        assert all((line["bytes_up"], line["bytes_down"]) == (MESSAGE, MESSAGE) for line in lines)


def test_refusals_are_all_recorded(proxy):
    [found] = load("rate", "--status", 403, "--name", "h%.denied.example.net",
                   "--count", TUNNELS, "--tunnels", 3, *via(proxy))
    assert (found["done"], failed(found)) == (TUNNELS, {})

    def recorded():     # an answer that refuses does not wait for its line
        lines = proxy.record.lines(event="deny", reason="host_not_allowed")
        return sum(line.get("count", 1) for line in lines)

    wire.wait_for(lambda: recorded() >= TUNNELS, message="line of each refusal")
    assert recorded() == TUNNELS


@pytest.mark.parametrize("status, name", [(403, "h%.bench.example.net"),
                                          (200, "h%.denied.example.net")])
def test_another_answer_is_a_failure(proxy, status, name):
    [found] = load("rate", "--status", status, "--name", name, "--count", TUNNELS, *via(proxy))
    assert (found["done"], failed(found)) == (0, {"other_status": TUNNELS})
    assert found["last_status"] == (200 if status == 403 else 403)


def test_nobody_there_is_a_failure():
    [found] = load("rate", "--count", TUNNELS, "--proxy", "127.0.0.1:1")
    assert (found["done"], failed(found)) == (0, {"no_connection": TUNNELS})


def test_round_trips_are_what_the_tunnels_carried(proxy):
    [found] = load("rtt", "--tunnels", TUNNELS, "--seconds", 0.3, "--warm", 0, *via(proxy))
    assert found["done"] > 0 and failed(found) == {}
    carried = sum(line["bytes_up"] for line in closed(proxy))
    assert carried % MESSAGE == 0 and carried // MESSAGE >= found["done"]


@pytest.mark.parametrize("direction, ways", [
    ("down", ["bytes_down"]), ("up", ["bytes_up"]), ("both", ["bytes_down", "bytes_up"])])
def test_streams_are_what_the_tunnels_carried(proxy, direction, ways):
    [found] = load("bulk", "--tunnels", 4, "--direction", direction, "--seconds", 0.3,
                   "--warm", 0, *via(proxy))
    assert found["bytes"] > 0 and failed(found) == {}
    carried = {way: sum(line[way] for line in closed(proxy, 4)) for way in ways}
    assert all(amount > 1000 for amount in carried.values())
    if direction == "down":
        assert carried["bytes_down"] >= found["bytes"]


def test_idle_tunnels_are_held_step_by_step(proxy):
    with subprocess.Popen([LOAD, "idle", "--count", str(TUNNELS), "--steps", "2", *via(proxy)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for held in (0, TUNNELS // 2, TUNNELS):
            assert json.loads(process.stdout.readline())["held"] == held
            proxy.record.wait_count(held, event="open")
            assert proxy.record.lines(event="close") == []
            process.stdin.write("\n")
            process.stdin.flush()
        assert json.loads(process.stdout.readline())["held"] == 0
        closed(proxy)


def test_a_start_is_timed_until_the_first_200(proxy):
    """Of a proxy that serves: it is there at once, and what was started is ended."""
    [found] = load("start", *via(proxy), "--", "sleep", 600)
    assert found["first_ms"] > 0
    assert not os.path.exists(f"/proc/{found['pid']}")
    closed(proxy, 1)


def test_the_floor_relays_and_refuses(floor):
    [found] = load("rate", "--count", TUNNELS, "--proxy", floor)
    assert (found["done"], failed(found)) == (TUNNELS, {})
    [found] = load("rate", "--count", TUNNELS, "--status", 403, "--name", "h%.denied.example.net",
                   "--proxy", floor)
    assert (found["done"], failed(found)) == (TUNNELS, {})


def test_the_floor_carries_streams(floor):
    [found] = load("bulk", "--tunnels", 4, "--direction", "both", "--seconds", 0.3,
                   "--proxy", floor)
    assert found["bytes"] > 1 << 20 and failed(found) == {}


@pytest.mark.parametrize("address", [f"{PUBLIC_V4}10:80", "10.0.0.5:80", "0.0.0.0:80"])
def test_it_goes_nowhere_else(address):
    done = subprocess.run([LOAD, "rate", "--count", "1", "--proxy", address],
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert "outside of 127.0.0.0/8" in done.stderr


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("report")


def test_the_table_has_the_median_of_the_ratios_of_each_round(report):
    """Not the ratio of the medians: 2, 3 and 10 here, where that would be 30 / 4."""
    rounds = [{"sluice": {"rate64.cpu": mine}, "floor": {"rate64.cpu": theirs}}
              for mine, theirs in [(8, 4), (30, 10), (30, 3)]]
    text = report.text(rounds)
    assert "| CPU a tunnel | floor | 3.00 | 2.00 to 10.00 | <= 1.2 | **no** |" in text
    assert "| CPU a tunnel, us | 30.0 | 4.0 |" in text
    assert "squid" not in text


def test_the_tables_say_what_failed(report):
    text = report.text([{"squid": {"deny.failed": 3, "rate64.failed": 0}}])
    assert "- squid, deny: 3 failed" in text
    assert "rate64" not in text


def test_the_readme_has_the_table_of_today(report):
    """Its rows are those that are measured, and each says truly whether its aim is met."""
    text = README.read_text().partition("<!-- table: of make bench -->")[2]
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in text.partition("\n## ")[0].splitlines() if re.match(r"\| .*\d", line)]
    known, what = set(), ""
    for aim in report.AIMS:
        what = aim.what or what
        known.add((what, (aim.over or "").lstrip("-"), aim.bound))
    assert len(rows) > len(known) / 2
    for what, over, ratio, _, bound, met in rows:
        assert (what, over, bound) in known
        assert met == report.met(float(ratio), bound), what


def test_the_whole_bench_runs(tmp_path):
    """Namespaces within these ones, one short round of two proxies, both tables."""
    if os.environ["SLUICE_E2E_MOUNTS"] != "1":
        pytest.skip("no mount namespace: the bench has hosts of its own")
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("SLUICE_E2E_")}
    out = tmp_path / "rounds"
    done = subprocess.run([sys.executable, BENCH / "bench.py", "--rounds", "1", "--seconds", "0.2",
                           "--only", "rate,deny,start", "--proxies", "floor,sluice", "--out", out],
                          env={**environment, "LOAD": str(LOAD)}, capture_output=True, text=True,
                          timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert set(found) == {"floor", "sluice"}
    for figures in found.values():
        assert {key: value for key, value in figures.items() if key.endswith(".failed")
                and value} == {}
        assert all(figures[key] > 0 for key in ("rate64.per_s", "rate64.cpu", "deny.per_s",
                                                "start.ms", "start.anon"))
    assert re.search(r"^\| CPU a tunnel \| floor \| \d", done.stdout, re.MULTILINE)
