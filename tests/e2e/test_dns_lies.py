"""DNS that lies: what each kind of answer comes to, and that nothing of a lie is ever dialled.

The table has one row for each lie.  All rows are asked for at once, since silence takes its
time, and then each is judged by itself: the answer to the client, the record, the connections
that the honest server saw, and those that the address of the forger saw, which are none.
"""

import struct
import threading
import time
from collections import namedtuple

import pytest

from lib import net, refusal, wire
from lib.dns import (A, AAAA, CNAME, FORMERR, NOTIMP, NXDOMAIN, REFUSED, SERVFAIL, Answer,
                     ScriptedDns, encode_name, record)
from lib.raw import RawServer
from lib.sluice import limited

GOOD, FORGED = net.ORIGIN, net.RAW_OTHER
ZONE = "lies.example.com"
ANY = limited("*.example.com")
IT = b"\xc0\x0c"                # the name of the question
PATIENCE = 60                   # of the test: far beyond every clock of the proxy
FAILURE = (502, "dns_failure")
NOTHING = (502, "name_not_found")
TIMEOUT = (504, "dns_timeout")
GUARDED = (403, "address_not_allowed")
# By TCP a third of the resolver's time is what one answer may take.  Only who waits for silence
# has little of it: everybody else has an answer, which may be late on a busy machine.
SHORT = {"timeouts": {"resolve": "20s"}, "resolver": {"timeout": "3s"}}
LONG = {"timeouts": {"resolve": "60s"}, "resolver": {"timeout": "45s"}}


def flags(value, mask=0xffff):
    """Set bits of the header's second word."""
    def bend(packet, _query):
        old = struct.unpack_from(">H", packet, 2)[0]
        return packet[:2] + struct.pack(">H", old & ~mask | value & mask) + packet[4:]
    return bend


def counted(at, value):
    return lambda packet, _query: packet[:at] + struct.pack(">H", value) + packet[at + 2:]


def other_id(packet, _query=None, step=1):
    number = (struct.unpack_from(">H", packet)[0] + step) % 65536
    return struct.pack(">H", number) + packet[2:]


def other_question(packet, _query=None):
    """The last letter of the first label is another one."""
    at = 12 + packet[12]
    return packet[:at] + bytes([packet[at] ^ 1]) + packet[at + 1:]


def other_type(packet, _query=None):
    at = packet.index(b"\0", 12) + 1
    return packet[:at] + struct.pack(">H", 16) + packet[at + 2:]


def in_capitals(packet, query):
    name = query[12:query.index(b"\0", 12)]
    return packet.replace(name, name.upper())


def then_honest(*bends):
    """Lies first, and the honest answer right behind them."""
    def bend(packet, query):
        lie = packet.replace(packed(GOOD), packed(FORGED))
        return [*(b(lie, query) for b in bends), packet]
    return bend


def packed(address):
    return bytes(map(int, address.split(".")))


def a(address, owner=IT, **how):
    return record(owner, A, address, **how)


def chain(length):
    return [f"c{i}.example.net" for i in range(length)]


PRIVATE = [f"10.1.{i}.{j}" for i in range(16) for j in range(250)]
PUBLIC = [f"{net.PUBLIC_V4}{10 + i % 2}" for i in range(4000)]
OTHER_CNAME = record("other.example.net", CNAME, "evil.example.net")
AUTHORITY = record("example.com", 2, encode_name("ns.example.net"))
# label, the answer for A, what it comes to (an address: served by it), why
Lie = namedtuple("Lie", "label answer outcome why")
LIES = [Lie(*row) for row in [
    ("honest", Answer(GOOD), GOOD, "the table itself works"),
    ("id", Answer(FORGED, bend=other_id), TIMEOUT, "an id that was not asked is no answer"),
    ("id-first", Answer(GOOD, bend=then_honest(other_id)), GOOD, "and does not end the question"),
    ("id-flood", Answer(GOOD, bend=then_honest(*[
        lambda p, q, step=step: other_id(p, q, step) for step in range(1, 101)])), GOOD,
     "a hundred guesses before the answer"),
    ("question", Answer(FORGED, bend=other_question), TIMEOUT, "the question of another name"),
    ("question-first", Answer(GOOD, bend=then_honest(other_question)), GOOD, "likewise"),
    ("type", Answer(FORGED, bend=other_type), TIMEOUT, "a question of another type"),
    ("capitals", Answer(GOOD, bend=in_capitals), GOOD, "names are equal in any case"),
    ("elsewhere", Answer(FORGED, elsewhere=True), TIMEOUT, "from a port that was not asked"),
    ("query", Answer(FORGED, bend=flags(0, 0x8000)), FAILURE, "QR 0: our own query, reflected"),
    ("opcode", Answer(FORGED, bend=flags(0x2800, 0x7800)), FAILURE, "an update, not a query"),
    ("questions-0", Answer(FORGED, bend=counted(4, 0)), TIMEOUT, "no question in it"),
    ("questions-2", Answer(FORGED, bend=counted(4, 2)), TIMEOUT, "one that is not there"),

    ("servfail", Answer(code=SERVFAIL), FAILURE, "SERVFAIL"),
    ("refused", Answer(code=REFUSED), FAILURE, "REFUSED"),
    ("notimp", Answer(code=NOTIMP), FAILURE, "NOTIMP"),
    ("formerr", Answer(code=FORMERR), FAILURE, "FORMERR, also without EDNS"),
    ("yxdomain", Answer(code=6), FAILURE, "a code that no query gets"),
    ("nxdomain", Answer(code=NXDOMAIN), NOTHING, "no such name"),
    ("nodata", Answer(), NOTHING, "no address"),
    ("failed-address", Answer(FORGED, code=SERVFAIL), FAILURE, "an address with an error"),
    ("denied-address", Answer(FORGED, code=NXDOMAIN), NOTHING, "an address of no name"),
    ("silence", Answer(silent=True), TIMEOUT, "silence"),

    ("beside", Answer(GOOD, before=[a(FORGED, "other.example.net")]), GOOD,
     "the address of another name in the same packet"),
    ("only-beside", Answer(before=[a(FORGED, "other.example.net")]), FAILURE, "and nothing else"),
    ("parent", Answer(before=[a(FORGED, "example.com")]), FAILURE, "an address of the parent"),
    ("class", Answer(before=[a(FORGED).replace(b"\0\1\0\1", b"\0\1\0\3", 1)]), FAILURE,
     "an address in another class"),
    ("additional", Answer(additional=[a(FORGED)]), NOTHING, "an address in the last section"),
    ("glue", Answer(GOOD, additional=[AUTHORITY, a(FORGED), a(FORGED, "ns.example.net")]), GOOD,
     "the same beside an answer"),
    ("foreign-alias", Answer(before=[OTHER_CNAME, a(FORGED, "evil.example.net")]), FAILURE,
     "the CNAME of another name is not followed"),
    ("family", Answer(before=[record(IT, AAAA, "2606:2800:21f:cb07::20")]), FAILURE,
     "an IPv6 address where IPv4 was asked for"),

    ("length-3", Answer(before=[record(IT, A, packed(FORGED)[:3])]), FAILURE, "RDLENGTH 3"),
    ("length-5", Answer(before=[record(IT, A, packed(FORGED) + b"x")]), FAILURE, "RDLENGTH 5"),
    ("length-0", Answer(before=[record(IT, A, b"")]), FAILURE, "RDLENGTH 0"),
    ("length-3-and-good", Answer(FORGED, before=[record(IT, A, b"abc")]), FAILURE,
     "nothing of a packet that makes no sense"),
    ("length-beyond", Answer(before=[a(FORGED, length=0x4000)]), FAILURE, "past the end"),
    ("count-beyond", Answer(FORGED, bend=counted(6, 65535)), FAILURE, "records that are not there"),
    ("loop", Answer(before=[a(FORGED, b"\xc0\x27")]), FAILURE, "a compression loop"),
    ("pointer-beyond", Answer(before=[a(FORGED, b"\xff\xff")]), FAILURE, "a pointer past the end"),
    ("label-kind", Answer(before=[a(FORGED, b"\x80")]), FAILURE, "a label of no known kind"),
    ("long-name", Answer(before=[a(FORGED, (b"\x3f" + b"x" * 63) * 5 + b"\0")]), FAILURE,
     "a name of 320 bytes"),
    ("empty", Answer(bend=lambda p, q: b""), TIMEOUT, "a datagram without a byte"),
    ("header", Answer(bend=lambda p, q: p[:12]), TIMEOUT, "the header alone"),
    ("garbage", Answer(raw=b"\xff" * 500), TIMEOUT, "no DNS at all"),
    ("garbage-first", Answer(GOOD, bend=then_honest(lambda p, q: b"\xff" * 500)), GOOD, "likewise"),

    ("chain", Answer(GOOD, chain=chain(8)), GOOD, "eight aliases"),
    ("chain-long", Answer(GOOD, chain=chain(17)), FAILURE, "seventeen"),
    ("chain-inside", Answer("10.0.0.5", chain=["intranet.example.org"]), GUARDED,
     "an alias of a name inside: its address is private"),
    ("chain-loop", Answer(chain=["b.example.net", f"chain-loop.{ZONE}", "b.example.net"]),
     NOTHING, "aliases in a circle"),
    ("chain-itself", Answer(chain=[f"chain-itself.{ZONE}"]), NOTHING, "an alias of itself"),
    ("chain-thousands", Answer(truncated=True, before=[record(IT, CNAME, IT)] * 4600), FAILURE,
     "4,600 of them, by TCP"),
    ("chain-after", Answer(before=[a(FORGED, "x.example.net"), record(IT, CNAME, "x.example.net")]),
     NOTHING, "an address in front of the alias that leads to it"),

    ("many", Answer(*PUBLIC[:200], truncated=True), GOOD, "200 addresses by TCP: the first eight"),
    ("thousands", Answer(*PUBLIC, truncated=True), GOOD, "4,000 of them"),
    ("needle", Answer(*PRIVATE[:3999], GOOD, truncated=True), GUARDED,
     "a public address behind 3,999 private ones is not looked for"),
    ("eighth", Answer(*PRIVATE[:7], GOOD), GOOD, "behind seven it is"),
    ("mixed", Answer("10.0.0.5", "127.0.0.1", GOOD, "169.254.169.254"), GOOD,
     "public and private: the private ones are not dialled"),

    ("tc", Answer(GOOD, truncated=True), GOOD, "truncated, and whole by TCP"),
    ("tc-both", Answer(GOOD, bend=flags(0x0200, 0x0200)), GOOD,
     "truncated by TCP too: what is there is whole, and counts"),
    ("tc-silence", Answer(truncated=True, over_tcp=Answer(silent=True)), TIMEOUT,
     "TCP that says nothing"),
    ("tc-half", Answer(truncated=True, over_tcp=Answer(FORGED, cut=40)), TIMEOUT,
     "half a message, and then nothing"),
    ("tc-length", Answer(truncated=True, over_tcp=Answer(FORGED, cut=1)), TIMEOUT,
     "half the length of one"),
    ("tc-closed", Answer(truncated=True, over_tcp=Answer(FORGED, cut=0)), FAILURE,
     "TCP that is closed at once"),
    ("tc-id", Answer(truncated=True, over_tcp=Answer(FORGED, bend=other_id)), TIMEOUT,
     "a foreign id by TCP"),
    ("tc-lie", Answer(truncated=True, over_tcp=Answer(before=[a(FORGED, b"\xc0\x27")])), FAILURE,
     "a compression loop by TCP"),
]]


@pytest.fixture(scope="module")
def forger():
    """Listens at the address that only lies name."""
    server = RawServer(FORGED, 443)
    yield server
    server.stop()


def script(name, kind, nth):
    label = name.partition(".")[0]
    return next(row.answer for row in LIES if row.label == label) if kind == A else Answer()


@pytest.fixture(scope="module")
def told(start_shared, forger):
    """label -> (proxy, answer), of all rows at once.

    A lie by TCP breaks the connection that others of its proxy share: those have their own.
    """
    servers, clients = [], {}

    def begin(clocks):
        servers.append(ScriptedDns(script))
        return start_shared(ANY, resolver=servers[-1].server, config=clocks)

    common = {False: begin(LONG), True: begin(SHORT)}
    for row in LIES:
        silence = row.outcome == TIMEOUT
        proxy = begin(SHORT if silence else LONG) if row.answer.over_tcp else common[silence]
        client = proxy.dial().send(wire.connect_head(f"{row.label}.{ZONE}:443"))
        client.sock.settimeout(PATIENCE)
        clients[row.label] = (proxy, client)
    answers = {label: (p, client.response("CONNECT")) for label, (p, client) in clients.items()}
    for _, client in clients.values():
        client.close()
    yield answers
    for server in servers:
        server.stop()


@pytest.mark.covers("A7", "A11")
@pytest.mark.parametrize("row", LIES, ids=lambda row: row.label)
def test_what_a_lie_comes_to(told, row):
    host, (proxy, answer) = f"{row.label}.{ZONE}", told[row.label]
    if isinstance(row.outcome, str):
        assert answer.status == 200, (row.why, answer)
        assert proxy.record.wait(event="open", host=host)["address"] == row.outcome, row.why
    else:
        refusal.check(answer, *row.outcome, host)
        assert proxy.record.lines(event="open", host=host) == [], row.why


@pytest.mark.covers("A7", "A11")
def test_no_lie_was_dialled(told, forger):
    """Of all rows; and the address of the lies would have answered."""
    assert forger.contacts == []
    wire.dial((FORGED, 443)).close()
    wire.wait_for(lambda: forger.contacts)
    forger.contacts.clear()


@pytest.mark.covers("A11")
def test_a_closed_tcp_connection_takes_no_question_of_others(start, names):
    """A name whose answers need TCP, where the server hangs up each time, beside a slow one."""
    def script(name, kind, nth):
        if name.startswith("torn"):
            return Answer(truncated=True, over_tcp=Answer(cut=0))
        time.sleep(1.5)
        return Answer(GOOD) if kind == A else Answer()

    proxy = start(ANY, resolver=names(script).server,
                  config={"timeouts": {"resolve": "20s"}, "resolver": {"timeout": "12s"}})
    slow = proxy.dial().send(wire.connect_head("slow.example.com:443"))
    for i in range(5):
        refusal.check(proxy.refusal(f"torn{i}.example.com:443"), *FAILURE)
    assert slow.response("CONNECT").status == 200


@pytest.mark.covers("A11")
@pytest.mark.parametrize("first", [
    Answer(silent=True), Answer(code=SERVFAIL), Answer(code=REFUSED), Answer(code=NOTIMP),
    Answer(FORGED, bend=other_id), Answer(raw=b"\xff" * 500),
], ids=["silent", "servfail", "refused", "notimp", "forged", "garbage"])
def test_the_second_server_answers_when_the_first_does_not(start, names, forger, first):
    servers = [names(lambda name, kind, nth: first),
               names(lambda name, kind, nth: Answer(GOOD) if kind == A else Answer())]
    lies = len(forger.contacts)
    proxy = start(ANY, config={**LONG, "resolver": {
        "timeout": "12s", "servers": [server.server for server in servers]}})
    assert proxy.refusal("two.example.com:443").status == 200
    assert servers[0].count("two.example.com") == servers[1].count("two.example.com") == 1
    assert len(forger.contacts) == lies


def sources(start, names):
    """(port, id) of 302 questions; one waits for its answer, and keeps its port open by that."""
    done = threading.Event()

    def script(name, kind, nth):
        if name.startswith("held"):
            done.wait(PATIENCE)
        return Answer(code=NXDOMAIN)

    server = names(script)
    proxy = start(ANY, resolver=server.server,
                  config={"timeouts": {"resolve": "60s"}, "resolver": {"timeout": "60s"}})
    held = proxy.dial().send(wire.connect_head("held.example.com:443"))
    for i in range(150):
        proxy.refusal(f"n{i}.example.com:443")
    done.set()
    refusal.check(held.response("CONNECT"), *NOTHING)
    return server.sources


@pytest.mark.covers("A11")
def test_ids_and_ports_cannot_be_guessed(start, names):
    """Not in order, not the same in the next run, and no port for long."""
    first, second = sources(start, names), sources(start, names)
    for seen in (first, second):
        ids = [number for _, number in seen]
        assert len(set(ids)) > 0.9 * len(ids)
        steps = {(b - a) % 65536 for a, b in zip(ids, ids[1:])}
        assert len(steps) > 0.9 * (len(ids) - 1)
        assert len({port for port, _ in seen}) >= 4
    assert [number for _, number in first[:20]] != [number for _, number in second[:20]]


@pytest.mark.covers("R3", "R10")
def test_who_holds_questions_holds_few_ports(start, names):
    """A question that waits, and so many behind it that its port is given up; 30 times."""
    done = threading.Event()

    def script(name, kind, nth):
        if name.startswith("held"):
            done.wait(PATIENCE)
        return Answer(code=NXDOMAIN)

    proxy = start(ANY, resolver=names(script).server, config=LONG)
    before, held = proxy.descriptors(), []
    for i in range(30):
        held.append(proxy.dial().send(wire.connect_head(f"held{i}.example.com:443")))
        for n in range(32):
            refusal.check(proxy.refusal(f"n{n}.after{i}.example.com:443"), *NOTHING)
    wire.wait_for(lambda: proxy.descriptors() < before + len(held) + 15, 10)
    done.set()
    for client in held:
        refusal.check(client.response("CONNECT"), *NOTHING)


@pytest.mark.covers("A11")
def test_thousands_of_records_cost_little(start, names):
    """Linear in their number: 40 answers with 4,000 records each, under 10 ms of CPU for one."""
    def script(name, kind, nth):
        few = name.startswith("few")
        return Answer(*PRIVATE[:40 if few else 4000], truncated=True) if kind == A else Answer()

    proxy = start(ANY, resolver=names(script).server)
    spent = {}
    for label in ("few", "many"):
        before = proxy.cpu_seconds()
        for i in range(40):
            refusal.check(proxy.refusal(f"{label}{i}.example.com:443"), *GUARDED)
        spent[label] = proxy.cpu_seconds() - before
    proxy.assert_spent_less(spent["many"], spent["few"] + 40 * 0.01)
