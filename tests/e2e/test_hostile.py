"""What a hostile client sends gets one verdict, however it is cut into writes.

The cases are in tests/cases/hostile.  Each is played whole, one byte a write, and in two
writes cut at every offset up to 512 and at 64 sampled beyond; the second write goes out
only when the proxy has read the first.  Over TCP each connection has a client address of
its own, so that its lines in the record are its own; over a Unix socket the record counts.
"""

import collections
import random
import re
import socket
from dataclasses import dataclass, field

import pytest

from lib import hello, hostile, net, refusal, turns, wire
from lib.sluice import limited, sanitized

CASES = hostile.read_all()
DOCUMENT = limited("raw.example.com", "tls.example.com", "*.example.org",
                   "*.barrier.example.com", name="hostile")
ALLOWED = ("raw.example.com", "tls.example.com", "barrier.example.com")
TIMEOUT = 120
UNIX_EVERY = 16     # offsets: all of them go over TCP
GREETING = b"ok"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
ALERT = bytes([21, 3, 3, 0, 2, 2, hello.ACCESS_DENIED])
Line = collections.namedtuple("Line", "event verdict reason")


class Server:
    """raw.example.com and tls.example.com: what arrived, a bytearray a connection."""

    def __init__(self, work):
        self.work = work
        self.received = []
        self.open = 0
        self._listeners = [self._listen(80, self._web), self._listen(443, self._tls)]

    def _listen(self, port, talk):
        listener = socket.create_server((net.RAW, port), backlog=4096)
        listener.setblocking(False)
        self.work.spawn(self._accept(listener, talk))
        return listener

    def _accept(self, listener, talk):
        while True:
            yield listener
            sock, _ = listener.accept()
            sock.setblocking(False)
            self.received.append(bytearray())
            self.open += 1
            self.work.spawn(self._serve(sock, talk, self.received[-1]))

    def _serve(self, sock, talk, received):
        try:
            yield from talk(sock, received)
            yield from turns.receive(sock, received)
        except OSError:
            pass
        self.open -= 1
        sock.close()

    def _web(self, sock, received):
        """Answer a forwarded request when it is whole, and greet what came through a tunnel."""
        yield from turns.receive(sock, received, until=lambda: received)
        if b"\r\nVia: 1." not in received:
            sock.sendall(GREETING if received else b"")
            return
        yield from turns.receive(sock, received, until=lambda: is_whole(received))
        if is_whole(received):
            sock.sendall(ANSWER)

    def _tls(self, sock, received):
        """Greet the first bytes; a hello for tls.example.com must be said again before."""
        yield from turns.receive(sock, received, until=lambda: received)
        if b"tls.example.com" in received:
            first = len(received)
            sock.sendall(hello.retry_request())
            yield from turns.receive(sock, received, until=lambda: len(received) > first)
        sock.sendall(GREETING if received else b"")

    def close(self):
        for listener in self._listeners:
            listener.close()


def split(message):
    """(head, body, is the body chunked?) of a message that the proxy has made."""
    head, _, body = bytes(message).partition(b"\r\n\r\n")
    return head, body, b"\r\nTransfer-Encoding: chunked" in head


def is_whole(received):
    head, body, chunked = split(received)
    if chunked:
        return dechunked(body)[1]
    length = head.partition(b"\r\nContent-Length: ")[2].partition(b"\r\n")[0]
    return len(body) >= int(length or 0)


def dechunked(body):
    """The data of these chunks, and whether the last one is there."""
    data = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        n = int(size, 16)
        if n == 0:
            assert rest == b"\r\n"
            return data, True
        data, body = data + rest[:n], rest[n + 2:]
    return data, False


def unframed(message):
    """A message whose chunks, which fall as the reads fell, are joined: (head, body, ended)."""
    head, body, chunked = split(message)
    return (head, *dechunked(body)) if chunked else (head, body, True)


@dataclass
class Run:
    pieces: list
    source: str         # address of the client, or "unix"
    got: bytearray = field(default_factory=bytearray)


class Stage:
    """A proxy with a TCP listener and a Unix one, a server behind it, and all who talk to it."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.work = turns.Turns()
        self.reader = turns.Reader()
        self.server = Server(self.work)
        self.addresses = 0
        self.expected = {}                          # address: lines of the record
        self.counted = collections.Counter()        # lines of the Unix listener
        self.played = {}                            # address: case

    def next_address(self):
        self.addresses += 1
        n = (1 << 16) + self.addresses
        return f"127.{n >> 16}.{n >> 8 & 255}.{n & 255}"

    def dial(self, source):
        if source == "unix":
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(self.proxy.listener(1))
        else:
            sock = socket.create_connection(self.proxy.where, source_address=(source, 0))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        return sock

    def talk(self, run):
        """Send the pieces, end, read the answer to its end.  It may not be lost in a reset."""
        with self.dial(run.source) as sock:
            for piece in run.pieces:
                yield from turns.send(sock, piece, self.reader)
            try:
                sock.shutdown(socket.SHUT_WR)
            except OSError:     # the proxy has ended already
                pass
            yield from turns.receive(sock, run.got)

    def runs(self, case):
        rng = random.Random(case.where)
        cuts = turns.offsets(len(case.sent), rng, sparse=sanitized())
        ways = [[case.sent], turns.byte_by_byte(case.sent)]
        ways += [turns.pieces_of(case.sent, [at]) for at in cuts]
        over_unix = [*ways[:2], *ways[2::UNIX_EVERY]]
        return ([Run(pieces, self.next_address()) for pieces in ways]
                + [Run(pieces, "unix") for pieces in over_unix])

    def play(self, case):
        """All runs of a case, and what the server received meanwhile."""
        runs, before = self.runs(case), len(self.server.received)
        for run in runs:
            if run.source == "unix":
                self.counted.update(lines_of(case))
            else:
                self.played[run.source] = case
        self.work.run((self.talk(run) for run in runs), TIMEOUT)
        wanted = before + len(runs) * len(case.received)
        self.work.settle(lambda: len(self.server.received) >= wanted and self.server.open == 0,
                         TIMEOUT)
        return runs, self.server.received[before:]

    def close(self):
        self.server.close()
        self.work.close()
        self.reader.close()


@pytest.fixture(scope="module")
def stage(start_shared, tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "socket"
    made = Stage(start_shared(DOCUMENT, config={
        "listeners": [{"address": "127.0.0.1:0"}, {"unix": str(path), "mode": "0600"}]}))
    yield made
    made.close()


def told(got):
    """What the client was told, in the words of the cases but for what only the record says."""
    out, rest = [], bytes(got)
    while rest:
        if rest.startswith(ESTABLISHED):
            inside = rest[len(ESTABLISHED):].removeprefix(hello.retry_request())
            return [*out, "tunnel", {ALERT: "cut", GREETING: "passed", b"": "left"}[inside]]
        head, _, rest = rest.partition(b"\r\n\r\n")
        answer = wire.Response(head + b"\r\n\r\n")
        length = int(answer.get("content-length"))
        answer.body, rest = rest[:length], rest[length:]
        if answer.status == 200:
            assert answer.body == b"ok"
            out.append("200")
        else:
            refusal.check(answer, answer.status, answer.reason)
            assert_nothing_reflected(answer)
            out.append(f"{answer.status} {answer.reason}")
    return out


def assert_nothing_reflected(answer):
    """Whatever was sent, the answer is our own text: visible ASCII, and no markup."""
    text = answer.head.replace(b"\r\n", b"") + answer.body.removesuffix(b"\n")
    assert all(0x20 <= byte < 0x7F and byte not in b"<>\\" for byte in text), text


def words_of(case):
    """The outcome in the words of told()."""
    words = [w.replace("broken", "400") for w in case.outcome if w != "closed"]
    words = ["cut" if w.startswith("cut") else w for w in words]
    return words if "tunnel" in words else [w for w in words if w != "left"]


def lines_of(case):
    """The outcome as lines of the record."""
    allowed = [Line("open", "allow", "allowed_host"), Line("close", "allow", "allowed_host")]
    lines = []
    for word in case.outcome:
        first, _, reason = word.partition(" ")
        if first in ("200", "passed", "left"):
            lines += allowed
        elif first in ("cut", "broken"):
            lines += [allowed[0], Line("close", "deny", reason)]
        elif reason:
            lines.append(Line("deny", "deny", reason))
    return lines


def assert_server_received(case, received):
    """Exactly what the case says, or a part of a body that has no end."""
    if case.outcome[-1].startswith(("broken", "left")):
        head, body, _ = unframed(case.received[0])
        for message in received:
            seen_head, seen_body, _ = unframed(message)
            assert seen_head == head and body.startswith(seen_body) and not is_whole(message)
    else:
        runs = len(received) // len(case.received)
        assert (collections.Counter(map(unframed, received))
                == collections.Counter([*map(unframed, case.received)] * runs))


def assert_same(case, run, whole):
    """Byte for byte; only of a tunnel that is cut, the server's last bytes may stay behind."""
    how = (case.why, run.source, [len(piece) for piece in run.pieces][:4])
    if "tunnel" in case.outcome and case.outcome[-1] != "passed":
        assert told(run.got) == told(whole.got), how
    else:
        assert run.got == whole.got, how


@pytest.mark.parametrize("case", [
    pytest.param(case, id=case.where, marks=pytest.mark.covers(*case.classes)) for case in CASES])
def test_one_verdict_however_it_is_cut(stage, dns, refused_quietly, case):
    if case.refused:
        runs, received = refused_quietly(stage.proxy, lambda: stage.play(case))
    else:
        mark = dns.mark()
        runs, received = stage.play(case)
        assert all(any(name in line for name in ALLOWED) for line in dns.queries(mark))
    assert told(runs[0].got) == words_of(case), case.why
    for run in runs:
        assert_same(case, run, runs[0])
    assert len(received) == len(runs) * len(case.received), case.why
    if received and any(case.received):
        assert_server_received(case, received)
    else:
        assert not any(received), case.why



# Is a split really two reads?

@pytest.mark.parametrize("source", ["unix", "127.3.3.3"])
def test_the_second_write_waits_until_the_first_was_read(stage, source):
    head = wire.connect_head("evil.example.net:443")
    run = Run(turns.pieces_of(head, [20]), source)
    talk, written = stage.talk(run), []

    def until_it_writes_again():
        for wish in talk:
            written.append(wish)
            yield wish

    with stage.proxy.stopped():
        stage.work.spawn(until_it_writes_again())
        assert not stage.work.settle(lambda: len(written) > 1, 0.5), "the proxy has read nothing"
        assert len(written) == 1
    assert stage.work.settle(lambda: run.got.endswith(b"\n"), TIMEOUT)
    assert told(run.got) == ["403 host_not_allowed"]
    stage.counted.update([Line("deny", "deny", "host_not_allowed")] if source == "unix" else [])


def lines_by_client(record):
    """{address: lines} of the TCP listener, and how often each line came for the Unix one."""
    by_client, over_unix = collections.defaultdict(list), collections.Counter()
    for line in record.lines():
        seen = Line(line["event"], line["verdict"], line["reason"])
        if line["listener"].startswith("unix:"):
            over_unix[seen] += line.get("count", 1)
        else:
            by_client[line["client"]] += [seen] * line.get("count", 1)
    return by_client, over_unix


@pytest.mark.covers("L1", "L2", "L4")
def test_the_record_has_these_verdicts_and_no_other(stage):
    """After the cases: each client address has the lines of its case, in order."""
    last = stage.next_address()
    with stage.dial(last) as sock:
        sock.send(b"\0")
        wire.wait_for(lambda: last.encode() in stage.proxy.record.text(), 30, message="last line")
    by_client, over_unix = lines_by_client(stage.proxy.record)
    wrong = {(case.where, case.why, *by_client[address])
             for address, case in stage.played.items() if by_client[address] != lines_of(case)}
    assert not wrong
    assert over_unix == stage.counted
    text = stage.proxy.record.text()
    assert b"s3cret" not in text
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", text)
