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

from lib import framing, hello, hostile, net, refusal, turns, wire
from lib.sluice import limited, sanitized

CASES = hostile.read_all("*.cases")
DOCUMENT = limited("raw.example.com", "tls.example.com", "*.example.org",
                   "*.barrier.example.com", name="hostile")
ALLOWED = ("raw.example.com", "tls.example.com", "barrier.example.com")
TIMEOUT = 120
SLOWEST = "120s"    # a head of a thousand writes, on a busy machine, under a sanitizer
UNIX_EVERY = 16     # offsets: all of them go over TCP
GREETING = b"ok"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
ALERT = bytes([21, 3, 3, 0, 2, 2, hello.ACCESS_DENIED])
Line = collections.namedtuple("Line", "event verdict reason")


class Server(turns.Server):
    """raw.example.com and tls.example.com."""

    def __init__(self, work):
        super().__init__(work, net.RAW)
        self.listen(80, self._web)
        self.listen(443, self._tls)

    def _web(self, sock, received):
        """Answer a forwarded request when it is whole, and greet what came through a tunnel."""
        yield from turns.receive(sock, received, until=lambda: received)
        if b"\r\nVia: 1." in received:
            yield from turns.receive(sock, received, until=lambda: framing.first(received)[0].whole)
            if framing.first(received)[0].whole:
                sock.sendall(ANSWER)
        elif received:
            sock.sendall(GREETING)
        yield from turns.receive(sock, received)

    def _tls(self, sock, received):
        """Greet the first bytes; a hello for tls.example.com must be said again before."""
        yield from turns.receive(sock, received, until=lambda: received)
        if b"tls.example.com" in received:
            first = len(received)
            sock.sendall(hello.retry_request())
            yield from turns.receive(sock, received, until=lambda: len(received) > first)
        if received:
            sock.sendall(GREETING)
        yield from turns.receive(sock, received)


@dataclass
class Run:
    pieces: list
    source: str         # address of the client, or "unix"
    got: bytearray = field(default_factory=bytearray)


class Stage:
    """A proxy with a TCP listener and a Unix one, a server behind it, and all who talk to it."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.clients = turns.Clients(proxy)
        self.work = turns.Turns()
        self.reader = turns.Reader()
        self.server = Server(self.work)
        self.counted = collections.Counter()        # lines of the Unix listener
        self.played = {}                            # address: case

    def talk(self, run):
        """Send the pieces, end, read the answer to its end.  It may not be lost in a reset."""
        with self.clients.dial(run.source) as sock:
            for piece in run.pieces:
                yield from turns.send(sock, piece, self.reader)
            try:
                sock.shutdown(socket.SHUT_WR)
            except OSError:     # the proxy has ended already
                pass
            yield from turns.receive(sock, run.got)

    def runs(self, case):
        rng = random.Random(case.where)
        cuts = turns.offsets(len(case.sent), rng, sanitized())
        ways = [[case.sent], turns.byte_by_byte(case.sent, sanitized())]
        ways += [turns.pieces_of(case.sent, [at]) for at in cuts]
        over_unix = [*ways[:2], *ways[2::UNIX_EVERY]]
        return ([Run(pieces, self.clients.next_address()) for pieces in ways]
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
        self.server.settled(before + len(runs) * len(case.received), TIMEOUT)
        return runs, self.server.received[before:]

    def close(self):
        self.server.close()
        self.work.close()
        self.reader.close()


@pytest.fixture(scope="module")
def stage(start_shared, tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "socket"
    made = Stage(start_shared(DOCUMENT, config={
        "listeners": [{"address": "127.0.0.1:0"}, {"unix": str(path), "mode": "0600"}],
        "timeouts": {"head": SLOWEST, "hello": SLOWEST}}))
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


def unframed(received):
    """What came in one connection: a request and what is behind it, or what was in a tunnel."""
    forwarded = b"\r\nVia: 1." in received
    return framing.first(received) if forwarded else (None, bytes(received))


def assert_server_received(case, received):
    """Exactly what the case says, or a part of a body that has no end."""
    if case.outcome[-1].startswith(("broken", "left")) and case.outcome[0] != "tunnel":
        wanted, _ = unframed(case.received[0])
        for message, behind in map(unframed, received):
            assert message.head == wanted.head and wanted.body.startswith(message.body)
            assert not message.whole and behind == b""
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
    if received:
        assert_server_received(case, received)



# Is a split really two reads?

@pytest.mark.parametrize("source", ["unix", "127.3.3.3"])
def test_the_second_write_waits_until_the_first_was_read(stage, source):
    if source != "unix" and not stage.reader.knows_tcp():
        pytest.skip("the kernel has no sock_diag: over TCP some splits may be read at once")
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
    last = stage.clients.next_address()
    with stage.clients.dial(last) as sock:
        sock.send(b"\0")
        wire.wait_for(lambda: last.encode() in stage.proxy.record.text(), 30, message="last line")
    # Equal lines of one client are merged: those of the last second may still be to come.
    wire.wait_for(lambda: lines_by_client(stage.proxy.record)[1].total() >= stage.counted.total(),
                  message="lines of the Unix listener")
    by_client, over_unix = lines_by_client(stage.proxy.record)
    wrong = {(case.where, case.why, *by_client[address])
             for address, case in stage.played.items() if by_client[address] != lines_of(case)}
    assert not wrong
    assert over_unix == stage.counted
    text = stage.proxy.record.text()
    assert b"s3cret" not in text
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", text)
