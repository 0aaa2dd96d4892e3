"""What a hostile server answers has one outcome for the client, however it is cut into writes.

The cases are in tests/cases/hostile/*.upstream.  Each is played like those of clients:
whole, one byte a write, and in two writes cut at many places, the second when the proxy has
read the first.  Behind each request the client has sent another one, to another host: it
gets its own answer and nothing of the first server's, or none.
"""

import random
import re
import socket
import struct
import threading
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

from lib import framing, hostile, net, refusal, turns, wire
from lib.sluice import limited, sanitized

CASES = hostile.read_all("*.upstream")
DOCUMENT = limited("raw.example.com", "tls.example.com")
TIMEOUT = 120
RUN = re.compile(rb"/run/(\d+) ")
NEXT = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"
NEXT_ANSWER = framing.Message(
    b"HTTP/1.1 200 OK\r\nVia: 1.1 sluice\r\nContent-Length: 4\r\nConnection: close", b"next", True)
NEXT_REQUEST = (b"GET /next HTTP/1.1\r\nHost: tls.example.com\r\nVia: 1.1 sluice\r\n"
                b"Connection: close\r\n\r\n")
ENDED = {"502": "upstream_closed", "cut": "upstream_closed", "whole": "done"}


@dataclass
class Run:
    number: int
    case: hostile.Case
    pieces: list
    source: str         # address of the client
    got: bytearray = field(default_factory=bytearray)
    reset: bool = False


class Stage:
    """A proxy, the server that plays the pieces of a run, and the clients."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.clients = turns.Clients(proxy)
        self.work = turns.Turns()
        self.reader = turns.Reader()
        self.server = turns.Server(self.work, net.RAW)
        self.server.listen(80, self._answer)
        self.runs = []

    def _answer(self, sock, received):
        yield from turns.receive(sock, received, until=lambda: b"\r\n\r\n" in received)
        number = RUN.search(received)
        if number is None:
            sock.sendall(NEXT)
            return
        run = self.runs[int(number[1])]
        for piece in run.pieces:
            yield from turns.send(sock, piece, self.reader)
        if run.case.then == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif run.case.then == "stay":
            yield from turns.receive(sock, received)

    def request(self, run):
        method, _, version = run.case.request.partition(" ")
        fields = ["Content-Length: 100000"] if method == "POST" else []
        url = f"http://raw.example.com/run/{run.number}"
        asked = wire.request(url, method, fields, version=version or "1.1")
        if method == "POST":
            return asked + b"part of it"
        return asked + wire.request("http://tls.example.com/next", fields=["Connection: close"])

    def talk(self, run):
        with self.clients.dial(run.source) as sock:
            sock.sendall(self.request(run))
            try:
                yield from turns.receive(sock, run.got)
            except ConnectionResetError:
                run.reset = True

    def play(self, case):
        rng = random.Random(case.where)
        cuts = turns.offsets(len(case.sent), rng, sanitized())
        ways = [[case.sent], turns.byte_by_byte(case.sent, sanitized())]
        ways += [turns.pieces_of(case.sent, [at]) for at in cuts]
        runs = [Run(number, case, pieces, self.clients.next_address())
                for number, pieces in enumerate(ways, len(self.runs))]
        self.runs += runs
        before = len(self.server.received)
        self.work.run((self.talk(run) for run in runs), TIMEOUT)
        kept = sum(run.got.endswith(b"next") for run in runs)
        assert self.server.settled(before + len(runs) + kept, TIMEOUT)
        return runs, self.server.received[before:]

    def close(self):
        self.server.close()
        self.work.close()
        self.reader.close()


@pytest.fixture(scope="module")
def stage(start_shared):
    made = Stage(start_shared(DOCUMENT))
    yield made
    made.close()


def assert_bad_gateway(run):
    """One complete 502, and of what the server has said interim responses at most."""
    interim = b"".join(run.case.received)
    assert run.got.startswith(interim)
    head, mark, body = bytes(run.got[len(interim):]).partition(b"\r\n\r\n")
    answer = wire.Response(head + mark)
    answer.body = b"" if run.case.request == "HEAD" else body
    refusal.check(answer, 502, "upstream_closed", "raw.example.com")
    assert not run.reset


def assert_whole(run, seen, wanted):
    """Exactly that, and the answer to the next request where the connection goes on."""
    kept = b"Connection: keep-alive" in wanted[-1].head
    assert seen == wanted + [NEXT_ANSWER] * kept
    assert not run.reset


def assert_cut(run, seen, wanted):
    """The head, and of the body no more than there was; no client can take it for all of it."""
    assert [message.head for message in seen] == [message.head for message in wanted]
    assert wanted[-1].body.startswith(seen[-1].body)
    assert not seen[-1].whole or run.reset


def assert_outcome(run):
    if run.case.outcome == ["502"]:
        assert_bad_gateway(run)
        return
    bodyless = run.case.request == "HEAD"
    seen = framing.messages(run.got, bodyless)
    wanted = framing.messages(run.case.received[0], bodyless)
    check = assert_whole if run.case.outcome == ["whole"] else assert_cut
    check(run, seen, wanted)


@pytest.mark.parametrize("case", [
    pytest.param(case, id=case.where, marks=pytest.mark.covers(*case.classes)) for case in CASES])
def test_one_outcome_however_it_is_cut(stage, case):
    runs, received = stage.play(case)
    for run in runs:
        try:
            assert_outcome(run)
        except AssertionError as problem:
            how = [len(piece) for piece in run.pieces][:4]
            raise AssertionError(f"{case.why}, in pieces of {how}: {problem}") from None
    # Each request had a connection of its own, and none had a byte of another.
    assert sum(b"/run/" in message for message in received) == len(runs)
    assert {bytes(message) for message in received if b"/run/" not in message} <= {NEXT_REQUEST}


@pytest.mark.covers("H19")
def test_the_record_says_how_each_response_ended(stage):
    last = stage.clients.next_address()
    with stage.clients.dial(last) as sock:
        sock.send(b"\0")
        wire.wait_for(lambda: last.encode() in stage.proxy.record.text(), 30, message="last line")
    ends = defaultdict(list)
    for line in stage.proxy.record.lines(event="close"):
        ends[line["client"]].append((line["host"], line["ended"]))
    for run in stage.runs:
        wanted = [("raw.example.com", ENDED[run.case.outcome[0]])]
        if run.got.endswith(b"next"):
            wanted.append(("tls.example.com", "done"))
        assert ends[run.source] == wanted, run.case.why


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GIGABYTE = 1 << 30


@pytest.mark.covers("H19", "H8", "H9", "R9")
@pytest.mark.parametrize("begin, more", [
    (b"HTTP/1.1 200 ", b"x"),
    (OK, b"X: 1\r\n"),
    (OK + b"X: ", b"x"),
    (OK, b"x"),
    (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    (CHUNKS, b"0"),
    (CHUNKS + b"5;", b"x"),
    (CHUNKS + b"5", b";a=b"),
    (CHUNKS + b"0\r\n", b"X: 1\r\n"),
    (CHUNKS + b"0\r\nX: ", b"x"),
], ids=["phrase", "fields", "value", "name", "interim", "size", "extension", "extensions",
        "trailers", "trailer"])
def test_what_never_ends_is_cut_off(start, raw, begin, more):
    """A gigabyte of one thing: the server soon finds nobody who takes more of it."""
    block, accepted, over = more * (60_000 // len(more)), [], threading.Event()

    def script(contact):
        contact.read_until(b"\r\n\r\n")
        try:
            contact.sock.sendall(begin)
            for sent in range(0, GIGABYTE, len(block)):
                accepted.append(sent)
                contact.sock.sendall(block)
        finally:
            over.set()

    raw(script, address=net.RAW_OTHER, port=80)
    proxy = start(limited("other.example.com"))
    before = proxy.resident()
    client = proxy.dial()
    client.send(wire.request("http://other.example.com/"))
    got = client.cut(within=60)
    assert len(got) < 10_000
    if begin.startswith(CHUNKS):
        assert not framing.first(got)[0].whole
    else:
        assert got.startswith((b"HTTP/1.1 502 ", b"HTTP/1.1 100 "))
    assert over.wait(60)
    assert accepted[-1] < 16_000_000, "what buffers of the kernel take"
    proxy.assert_grew_less(before, 4_000_000)
