"""The record: sluice(8), THE RECORD."""

import fcntl
import json
import re
import threading
import time

import pytest

from lib import refusal, wire
from lib.raw import echo
from lib.sluice import limited, unrestricted

pytestmark = pytest.mark.usefixtures("workers")

WEB = limited("www.example.com", "raw.example.com")
SECRET = "c2VjcmV0LXRva2Vu"
PAGE = 4096


def test_the_open_line_is_there_before_the_200(start, raw):
    raw(echo)
    proxy = start(WEB)
    for i in range(100):
        client = proxy.tunnel("raw.example.com:443")
        assert len(proxy.record.lines(event="open")) == i + 1
        client.close()


def test_a_close_line_repeats_the_key_and_has_the_bytes(start, raw):
    raw(echo, port=80)
    proxy = start(WEB)
    client = proxy.tunnel("raw.example.com:80")
    client.send(b"x" * 100_000)
    client.read(100_000)
    client.half_close()
    assert client.ended()
    opened, closed = proxy.record.wait(event="open"), proxy.record.wait(event="close")
    for key in ("id", "worker", "client", "listener", "environment", "method", "host", "port",
                "verdict", "reason", "rule"):
        assert opened[key] == closed[key], key
    assert (closed["bytes_up"], closed["bytes_down"]) == (100_000, 100_000)
    assert closed["duration_ms"] >= 0 and closed["ended"]
    assert closed["seq"] > opened["seq"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", opened["time"])


def test_an_open_line_has_what_is_known_then(start):
    proxy = start(WEB)
    proxy.tunnel("www.example.com:443").close()
    opened = proxy.record.wait(event="open")
    assert opened["client"] == "127.0.0.1" and opened["method"] == "CONNECT"
    assert opened["addresses"] == [opened["address"]] == ["93.184.215.10"]
    assert opened["resolve_ms"] >= 0 and opened["connect_ms"] >= 0
    assert opened["rule"]["file"].endswith("env0.yaml") and opened["rule"]["line"] > 1
    assert opened["rule"]["entry"] == "www.example.com"


def test_sequence_numbers_have_no_holes(start, workers):
    proxy = start(WEB)
    for i in range(60):
        proxy.refusal(f"n{i}.example.net:443")
    lines = proxy.record.wait_count(60, event="deny")
    for worker in range(workers):
        seqs = [line["seq"] for line in lines if line["worker"] == worker]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True
    assert len({line["id"] for line in lines}) == 60


@pytest.mark.covers("L2")
def test_no_secret_reaches_the_record(start):
    proxy = start(WEB)
    proxy.ask(f"http://www.example.com/echo/p?token={SECRET}",
              fields=[f"Authorization: Bearer {SECRET}", f"Cookie: a={SECRET}",
                      f"Proxy-Authorization: Basic {SECRET}"])
    proxy.ask(f"http://denied.example.net/q?token={SECRET}")
    proxy.ask(f"http://user:{SECRET}@www.example.com/", host="www.example.com")
    proxy.refusal(f"user:{SECRET}@www.example.com:443")
    proxy.refusal("www.example.com:443", fields=[f"Proxy-Authorization: Basic {SECRET}"])
    held = proxy.dial()
    held.send(f"GET /x?token={SECRET} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    held.response()
    proxy.record.wait_count(3, event="deny")
    proxy.record.wait(event="close", method="GET")
    assert SECRET.encode() not in proxy.record.text()
    assert SECRET not in proxy.errors()


@pytest.mark.covers("L1")
@pytest.mark.parametrize("target", [
    'a"b:443', "a\\b:443", "\x1b[2J:443", "\xff\xfe:443", "\x80:443", "\xe2\x80\xae:443",
    "x" * 30000 + ":443",
], ids=ascii)
def test_hostile_bytes_make_one_whole_line(start, target):
    proxy = start(WEB)
    proxy.refusal(target.encode("latin-1"))
    line = proxy.record.wait(event="deny")
    assert line["verdict"] == "deny"
    raw_text = proxy.record.text()
    assert raw_text.count(b"\n") == 1 and len(raw_text) < 8192
    assert not any(byte < 0x20 for byte in raw_text.rstrip(b"\n"))
    raw_text.decode("utf-8")


@pytest.mark.covers("L4")
def test_a_flood_of_denials_is_merged_and_counted(start):
    proxy = start(WEB)
    total, answers = 3000, []

    def flood():
        for _ in range(total // 6):
            answers.append(proxy.refusal("flood.example.net:443").status)

    threads = [threading.Thread(target=flood) for _ in range(6)]
    before = time.monotonic()
    for thread in threads:
        thread.start()
    proxy.refusal("hidden.example.net:443")
    for thread in threads:
        thread.join()
    rate = total / (time.monotonic() - before)
    assert answers == [403] * total

    def counted():
        return sum(line.get("count", 1)
                   for line in proxy.record.lines(event="deny", host="flood.example.net")) == total

    wire.wait_for(counted, message="sum of counts")
    if rate > 800:
        assert len(proxy.record.lines()) < total, "nothing was merged"
    assert len(proxy.record.lines(host="hidden.example.net")) == 1, "a single one stays visible"


class PipeReader:
    """The test's end of the proxy's standard output."""

    def __init__(self, proxy):
        self.pipe = proxy.process.stdout
        fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, PAGE)
        self.data = b""
        self.thread = None

    def start(self):
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            while got := self.pipe.read1(65536):
                self.data += got
        except ValueError:
            pass

    def lines(self):
        return [json.loads(line) for line in self.data.split(b"\n")[:-1]]


def fill(proxy, count=60):
    """More lines than one page of pipe holds, no two equal."""
    for i in range(count):
        proxy.refusal(f"fill{i}.example.net:443")


@pytest.mark.covers("L3")
def test_a_reader_that_pauses(start, raw):
    raw(echo, port=80)
    proxy = start(WEB, audit="stdout", config={"audit": {"stall": "1s"}})
    reader = PipeReader(proxy)
    tunnel = proxy.tunnel("raw.example.com:80")
    fill(proxy)
    before = time.monotonic()
    held, answer = proxy.connect("raw.example.com:80")
    held.close()
    assert time.monotonic() - before < 3, "the refusal must come within the stall"
    refusal.check(answer, 503, "audit_unavailable")
    refusal.check(proxy.ask("http://www.example.com/echo"), 503, "audit_unavailable")
    for _ in range(20):
        tunnel.send(b"x" * 10_000)
        assert tunnel.read(10_000) == b"x" * 10_000
    reader.start()
    wire.wait_for(lambda: proxy.refusal("raw.example.com:80").status == 200,
                  message="tunnel after the reader came back")
    tunnel.close()
    wire.wait_for(lambda: len([line for line in reader.lines()
                               if line["host"].startswith("fill")]) == 60, message="every denial")
    wire.wait_for(lambda: [line for line in reader.lines()
                           if line["event"] == "close" and line["bytes_up"] == 200_000],
                  message="close line of the first tunnel")


def test_a_short_pause_loses_nothing(start, raw):
    raw(echo, port=80)
    proxy = start(WEB, audit="stdout", config={"audit": {"stall": "5s"}})
    reader = PipeReader(proxy)
    fill(proxy, 30)
    answers = []
    waiting = threading.Thread(
        target=lambda: answers.append(proxy.refusal("raw.example.com:80").status))
    waiting.start()
    time.sleep(0.5)
    reader.start()
    waiting.join(5)
    assert answers == [200], "a tunnel that waited is answered when its line is out"
    wire.wait_for(lambda: len([line for line in reader.lines() if line["event"] == "deny"]) == 30,
                  message="every denial")
    assert not [line for line in reader.lines() if line["event"] == "gap"]


def test_what_did_not_fit_is_counted_in_a_gap_line(start):
    """More denials than the proxy keeps while nobody reads: lines and gaps add up."""
    proxy = start(WEB, audit="stdout", workers=1, config={"audit": {"stall": "1s"}})
    reader = PipeReader(proxy)
    total, filler = 2500, ".".join(["x" * 60] * 3)
    for i in range(total):
        assert proxy.refusal(f"gap{i}.{filler}.example.net:443").status in (403, 503)
    reader.start()

    def complete():
        lines = reader.lines()
        gaps = [line for line in lines if line["event"] == "gap"]
        denials = [line for line in lines if line["event"] == "deny"]
        return gaps and sum(line["lost"] for line in gaps) + len(denials) == total

    wire.wait_for(complete, message="sum of lines and gaps")


def test_the_operator_may_prefer_to_go_on(start, raw):
    raw(echo, port=80)
    proxy = start(WEB, audit="stdout",
                  config={"audit": {"stall": "1s", "on_failure": "continue"}})
    reader = PipeReader(proxy)
    fill(proxy)
    time.sleep(1.2)
    assert proxy.refusal("raw.example.com:80").status == 200
    reader.start()
    wire.wait_for(lambda: proxy.refusal("raw.example.com:80").status == 200)


def test_a_reader_that_is_gone(start, raw):
    raw(echo, port=80)
    proxy = start(WEB, audit="stdout", config={"audit": {"stall": "1s"}})
    tunnel = proxy.tunnel("raw.example.com:80")
    proxy.process.stdout.close()
    wire.wait_for(lambda: proxy.refusal("raw.example.com:80").status == 503,
                  message="503 without a reader")
    tunnel.send(b"still open")
    assert tunnel.read(10) == b"still open"


@pytest.mark.covers("L3")
def test_a_full_disk(small_disk, start, raw):
    raw(echo, port=80)
    path = small_disk / "audit.jsonl"
    proxy = start(WEB, config={"audit": {"path": str(path), "stall": "1s"}})
    proxy.record.path = path
    tunnel = proxy.tunnel("raw.example.com:80")
    filler = small_disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    fill(proxy, 30)
    wire.wait_for(lambda: proxy.refusal("raw.example.com:80").status == 503,
                  message="503 on a full disk")
    refusal.check(proxy.refusal("raw.example.com:80"), 503, "audit_unavailable")
    tunnel.send(b"still open")
    assert tunnel.read(10) == b"still open"
    filler.unlink()
    wire.wait_for(lambda: proxy.refusal("raw.example.com:80").status == 200,
                  message="200 after there is room")
    tunnel.close()
    whole, broken = [], 0
    proxy_lines = wire.wait_for(lambda: b'"close"' in path.read_bytes() and path.read_bytes())
    for line in proxy_lines.split(b"\n")[:-1]:
        try:
            whole.append(json.loads(line))
        except json.JSONDecodeError:
            broken += 1
    assert broken <= 1, "only a line that was cut short may be broken"
    assert [line for line in whole if line["event"] == "open"]


def test_refusals_of_every_kind_are_recorded(start):
    proxy = start(unrestricted(), config={"operator": {"deny": ["denied.example.net"]}})
    proxy.refusal("denied.example.net:443")
    proxy.refusal("127.1:443")
    proxy.refusal("private.example.com:443")
    proxy.refusal("missing.example.com:443")
    by_reason = {line["reason"]: line for line in proxy.record.wait_count(4)}
    assert by_reason["operator_deny"]["event"] == "deny"
    assert by_reason["operator_deny"]["rule"]["entry"] == "denied.example.net"
    assert by_reason["bad_target"]["target"] == "127.1:443"
    assert by_reason["address_not_allowed"]["addresses"] == ["10.0.0.5"]
    assert by_reason["name_not_found"]["event"] == "fail"
