"""What is made of answers of DNS: how long they hold, which of them is dialled, who is asked.

sluice(8), NAMES AND ADDRESSES OUTSIDE.  One resolution a decision; only an address that was
checked is dialled; and a name that is refused is never asked for, however it came up.
"""

import struct
import time

import pytest

from lib import hello, net, refusal, wire
from lib.dns import A, AAAA, NXDOMAIN, Answer, encode_name, record
from lib.sluice import limited, unrestricted

GOOD = net.ORIGIN
ANY = limited("*.example.com")
PATIENCE = 30                   # of the test: far beyond every clock of the proxy
NOTHING = (502, "name_not_found")
TIMEOUT = (504, "dns_timeout")
GUARDED = (403, "address_not_allowed")
CLOCKS = {"timeouts": {"resolve": "60s"}, "resolver": {"timeout": "60s"}}  # nothing is asked twice
SOA = record("example.com", 6, encode_name("a.example.net") * 2 +
             struct.pack(">IIIII", 1, 2, 3, 4, 2**31 - 1), ttl=2**31 - 1)


@pytest.mark.covers("A6", "A11", "B12")
@pytest.mark.parametrize("ttl, asked", [
    (0, 3), (60, 1), (2**31 - 1, 1), (2**31, 3), (2**32 - 1, 3),
], ids=["0", "60", "2^31-1", "2^31", "2^32-1"])
def test_how_long_an_answer_is_kept(start, names, ttl, asked):
    """RFC 2181 8: from 2^31 on it is 0."""
    server = names(lambda name, kind, nth: Answer(GOOD, ttl=ttl) if kind == A else Answer())
    proxy = start(ANY, resolver=server.server, config=CLOCKS)
    for _ in range(3):
        assert proxy.refusal("ttl.example.com:443").status == 200
        proxy.check_rest()      # the other family, too, has its answer
    assert server.count("ttl.example.com") == server.count("ttl.example.com", AAAA) == asked


@pytest.mark.covers("A11", "B12")
def test_nothing_is_remembered_for_longer_than_five_seconds(start, names):
    """However long the SOA of the zone says."""
    server = names(lambda name, kind, nth: Answer(code=NXDOMAIN, additional=[SOA]) if nth == 0
                   else Answer(GOOD) if kind == A else Answer())
    proxy = start(ANY, resolver=server.server, config=CLOCKS)
    for _ in range(2):
        refusal.check(proxy.refusal("new.example.com:443"), *NOTHING)
    assert server.count("new.example.com") == 1
    time.sleep(5.1)
    assert proxy.refusal("new.example.com:443").status == 200


@pytest.mark.covers("B12")
def test_a_name_that_moves_is_followed(start, names):
    """The address of the start is not the address for ever."""
    server = names(lambda name, kind, nth: Answer([GOOD, net.ORIGIN_OTHER][min(nth, 1)], ttl=1)
                   if kind == A else Answer())
    proxy = start(ANY, resolver=server.server)
    assert proxy.refusal("moves.example.com:443").status == 200
    time.sleep(1.2)
    assert proxy.refusal("moves.example.com:443").status == 200
    opened = [line["address"] for line in proxy.record.wait_count(2, event="open")]
    assert opened == [GOOD, net.ORIGIN_OTHER]


@pytest.mark.covers("A11")
def test_an_answer_after_the_deadline(start, names):
    """The client has gone with a 504; who comes later finds the answer, without a question."""
    def script(name, kind, nth):
        time.sleep(2)
        return Answer(GOOD, ttl=60) if kind == A else Answer()

    server = names(script)
    proxy = start(ANY, resolver=server.server,
                  config={"timeouts": {"resolve": "1s"}, "resolver": {"timeout": "20s"}})
    refusal.check(proxy.refusal("late.example.com:443"), *TIMEOUT)
    assert proxy.record.lines(event="open") == []
    wire.wait_for(lambda: proxy.refusal("late.example.com:443").status == 200, PATIENCE, 0.2,
                  "late answer")
    assert server.count("late.example.com") == 1


@pytest.mark.covers("A6")
def test_rebinding_between_requests_of_one_connection(start, names, origin):
    """Each request is a decision: one question for each family, and what it says is checked."""
    server = names(lambda name, kind, nth: Answer(GOOD if nth == 0 else "127.0.0.1", ttl=0)
                   if kind == A else Answer())
    proxy = start(ANY, resolver=server.server, config=CLOCKS)
    mark, client = len(origin.contacts), proxy.dial()
    url = "http://rebind.example.com/echo"
    assert client.send(wire.request(url)).response().status == 200
    wire.wait_for(lambda: proxy.descriptors() == proxy.idle + 1, message="end of the question")
    assert (server.count("rebind.example.com"), server.count("rebind.example.com", AAAA)) == (1, 1)
    refusal.check(client.send(wire.request(url)).response(), *GUARDED, "rebind.example.com")
    assert (server.count("rebind.example.com"), server.count("rebind.example.com", AAAA)) == (2, 2)
    assert origin.contacts[mark:] == [(GOOD, 80)]


@pytest.mark.covers("A6", "A7")
def test_a_tunnel_keeps_the_address_that_was_checked(start, names, raw):
    """The server is closed when the name already leads elsewhere: nobody dials again."""
    server = names(lambda name, kind, nth: Answer(net.RAW if nth == 0 else "10.0.0.5", ttl=0)
                   if kind == A else Answer())
    target = raw(lambda contact: contact.read_some(), port=7000)
    proxy = start(limited("*.example.com"), resolver=server.server,
                  config={"operator": {"ports": {"limited": [7000]}}})
    client = proxy.tunnel("once.example.com:7000")
    client.send(b"end")
    assert client.cut() == b""
    assert len(target.contacts) == 1 and server.count("once.example.com") == 1


@pytest.mark.covers("A7")
@pytest.mark.parametrize("four, six, late, outcome", [
    ([net.NOBODY, "10.0.0.5"], ["::1"], None, (502, "connect_refused")),
    ([net.SILENT, "10.0.0.5"], [], None, (504, "connect_timeout")),
    ([net.NOBODY], ["::1", "fd12:3456::7"], AAAA, (502, "connect_refused")),
    ([net.SILENT], ["::1"], AAAA, (504, "connect_timeout")),
    (["10.0.0.5", "127.0.0.1"], [net.PUBLIC_V6 + "21"], A, (502, "connect_refused")),
], ids=["closed", "silent", "closed, ::1 later", "silent, ::1 later", "private later"])
def test_what_is_private_is_no_way_out(start, names, full, four, six, late, outcome):
    """The public address fails in its way; the private ones beside it are open, and not tried."""
    full(net.SILENT, 443)

    def script(name, kind, nth):
        time.sleep(0.5 if kind == late else 0)
        return Answer(*(four if kind == A else six))

    proxy = start(ANY, resolver=names(script).server, config={"timeouts": {"connect": "2s"}})
    refusal.check(proxy.refusal("mixed.example.com:443"), *outcome, "mixed.example.com")
    addresses = proxy.record.wait(event="fail")["addresses"]
    assert sorted(addresses) == sorted(four + six), "what was not dialled is told all the same"


@pytest.mark.covers("A6", "A11")
def test_an_alias_is_judged_by_its_address_alone(start, names, tmp_path, raw):
    """Of a name that is allowed: the names it is an alias of may be listed, the address not."""
    raw(lambda contact: contact.read_all())
    listed = tmp_path / "listed.txt"
    listed.write_text(f"listed.example.net\n{net.RAW}\n")
    addresses = {"name": GOOD, "address": net.RAW}
    server = names(lambda name, kind, nth: Answer(
        addresses[name.partition(".")[0]], chain=["listed.example.net"])
        if kind == A else Answer())
    proxy = start(limited("*.example.com"), resolver=server.server, config={
        "blocklists": [{"path": str(listed), "format": "domains", "category": "malware"}],
        "operator": {"deny": ["listed.example.org"]}})
    assert proxy.refusal("name.example.com:443").status == 200
    refusal.check(proxy.refusal("address.example.com:443"), 403, "safety_blocklist",
                  "address.example.com")
    assert {query.name for query in server.queries} == {"name.example.com", "address.example.com"}


@pytest.fixture
def silence(names):
    """A name server that is asked for what the tests below let be asked, and nothing else."""
    return names(lambda name, kind, nth: Answer(GOOD, ttl=0) if kind == A else Answer())


def asked(server):
    return {query.name for query in server.queries}


@pytest.mark.covers("N17", "B11")
def test_a_redirect_to_a_refused_name_asks_nothing(start, silence, raw):
    """The proxy follows none; the client that does is refused before any lookup."""
    secret = "c2vjcmv0.evil.example.net"
    raw(lambda c: (c.read_until(b"\r\n\r\n"), c.sock.sendall(
        f"HTTP/1.1 302 Found\r\nLocation: http://{secret}/\r\nContent-Length: 0\r\n\r\n".encode())),
        address=net.RAW, port=80)
    proxy = start(limited("www.example.com", net.RAW), resolver=silence.server)
    answer = proxy.ask(f"http://{net.RAW}/")
    assert (answer.status, answer.get("location")) == (302, f"http://{secret}/")
    refusal.check(proxy.ask(answer.get("location")), 403, "host_not_allowed", secret)
    assert proxy.refusal("www.example.com:443").status == 200
    assert asked(silence) == {"www.example.com"}


@pytest.mark.covers("N17")
def test_a_name_that_a_reload_refuses_is_asked_no_more(start, silence):
    proxy = start(limited("www.example.com", "old.example.com"), resolver=silence.server)
    held = proxy.tunnel("old.example.com:443")
    before = len(silence.queries)
    proxy.rewrite(limited("www.example.com"))
    held.cut()
    assert proxy.record.wait(event="close")["reason"] == "policy_changed"
    refusal.check(proxy.refusal("old.example.com:443"), 403, "host_not_allowed")
    assert proxy.refusal("www.example.com:443").status == 200
    assert {query.name for query in silence.queries[before:]} == {"www.example.com"}


@pytest.mark.covers("N17", "T1")
@pytest.mark.parametrize("document", [limited("www.example.com"), unrestricted()],
                         ids=["limited", "unrestricted"])
@pytest.mark.parametrize("inside", ["c2vjcmv0.evil.example.net", "metadata.google.internal",
                                    "other.example.com"])
def test_a_name_inside_a_tunnel_is_never_asked(start, silence, document, inside):
    """Whatever is made of it: the address is known already."""
    proxy = start(document, resolver=silence.server)
    client = proxy.tunnel("www.example.com:443")
    client.send(hello.hello(inside))
    client.half_close()
    client.cut()
    assert proxy.record.wait(event="close", sni=inside)
    assert asked(silence) == {"www.example.com"}


@pytest.mark.covers("B11", "N17")
def test_with_the_network_off_nothing_is_asked(start, silence):
    """An empty list of hosts: no name at all, in no kind of request."""
    proxy = start(limited(), resolver=silence.server)
    for i in range(20):
        name = f"chunk{i}.exfiltrate.example.com"
        assert proxy.refusal(f"{name}:443").status == 403
        assert proxy.ask(f"http://{name}/").status == 403
    assert silence.queries == []


@pytest.mark.covers("A10")
def test_what_is_dialled_is_an_address(start, silence, origin):
    """No inner proxy is given a name to resolve again: the origin is reached, and it alone."""
    mark = len(origin.contacts)
    proxy = start(ANY, resolver=silence.server)
    assert proxy.ask("http://www.example.com/echo").status == 200
    assert origin.contacts[mark:] == [(GOOD, 80)]
    proxy.check_rest()
    assert (silence.count("www.example.com"), silence.count("www.example.com", AAAA)) == (1, 1)
