"""Bounds on everything: what a client takes is bounded, and comes back when it has gone.

sluice(8), LIMITS.  More of it: test_limits.py, test_neighbours.py, test_resets.py and
test_tunnels.py.  Time is never asserted tightly; processor time is, against the time on the
wall, where a mistake would be a loop that never waits.
"""

import itertools
import os
import random
import resource
import signal
import socket
import time
from collections import Counter

import pytest

from lib import hello, net, refusal, wire
from lib.raw import absorb, echo
from lib.sluice import limited, sanitized, unrestricted

pytestmark = pytest.mark.usefixtures("workers")

KIB, MIB = 1 << 10, 1 << 20
MANY = 500
PATIENCE = 60 if sanitized() else 20
TARGET = "raw.example.com:7000"


def assert_waits(proxy, seconds=1.0):
    """Over so long a time no thread is busy for half of it."""
    before = proxy.busy_seconds()
    time.sleep(seconds)
    assert proxy.busy_seconds() - before < seconds / 2, "it does not wait, it spins"


@pytest.fixture
def unix_proxy(start, tmp_path):
    """A proxy behind a Unix socket, its descriptors and ports all its own."""
    path = str(tmp_path / "agent.sock")
    return lambda document, **how: start(document, config={
        "listeners": [{"unix": path}], **how.pop("config", {})}, **how)


# R1


@pytest.mark.covers("R1")
@pytest.mark.parametrize("begin", ["second", "hello"])
def test_no_clock_is_stretched_by_single_bytes(start, raw, begin):
    """The second request of a connection, and the hello in a tunnel."""
    raw(absorb)
    proxy = start(limited("www.example.com", "raw.example.com"),
                  config={"timeouts": {"head": "1s", "hello": "1s", "keep_alive": "30s"}})
    if begin == "second":
        client = proxy.dial()
        client.send(wire.request("http://www.example.com/echo")).response()
        rest = wire.request("http://www.example.com/echo", fields=["X-Slow: " + "a" * 500])
    else:
        client = proxy.tunnel("raw.example.com:443")
        rest = hello.hello("raw.example.com")
    end = time.monotonic() + PATIENCE
    client.sock.settimeout(0.1)
    for byte in rest:
        try:
            client.send(bytes([byte]))
            if client.read_some():
                break
        except TimeoutError:
            pass
        except OSError:
            break
        assert time.monotonic() < end, "one byte at a time must not stretch the clock"
    assert proxy.record.wait(reason="head_timeout")


# R2


@pytest.mark.covers("R2")
def test_the_flood_hears_503_and_the_other_is_served(start, raw):
    """Of two listeners one is flooded: each of its refusals says when to come again."""
    raw(echo, port=7000)
    proxy = start(unrestricted(), config={
        "listeners": [{"address": "127.0.0.1:0"}] * 2, "limits": {"connections": 40}})
    held = [proxy.tunnel(TARGET, nth=0) for _ in range(20)]
    for _ in range(30):
        answer = refusal.check(proxy.refusal(TARGET, nth=0), 503, "overloaded")
        assert int(answer.get("retry-after")) > 0
        other = proxy.tunnel(TARGET, nth=1)
        other.half_close()
        assert other.ended()
        other.close()
    assert len(proxy.record.lines(reason="overloaded", event="deny")) >= 1
    for client in held:
        assert client.send(b"ping").read(4) == b"ping"


# R3


@pytest.mark.covers("R3")
def test_without_descriptors_it_waits_and_then_goes_on(start, raw):
    """The limit is lowered under its feet: what is open goes on, what comes waits its turn."""
    raw(echo, port=7000)
    proxy = start(unrestricted())
    held = [proxy.tunnel(TARGET) for _ in range(10)]
    was = resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir(f"/proc/{proxy.pid}/fd")))
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, (highest + 1, was[1]))
    waiting = [proxy.dial().send(wire.connect_head(TARGET)) for _ in range(30)]
    assert_waits(proxy)
    for client in held:
        assert client.send(b"ping").read(4) == b"ping"
    resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE, was)
    assert [client.response("CONNECT").status for client in waiting] == [200] * len(waiting)


# R4


def kept_alive(port):
    """Sockets in the kernel's table with this local or remote port that have a keepalive timer."""
    found = []
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            _, local, remote, state, _, timer = line.split()[:6]
            ports = [int(end.split(":")[1], 16) for end in (local, remote)]
            if state == "01" and port in ports and timer.split(":")[0] == "02":
                found.append(ports)
    return found


def hold_request(proxy):
    client = proxy.dial()
    return client.send(f"GET http://{TARGET}/ HTTP/1.1\r\nHost: {TARGET}\r\n\r\n".encode())


@pytest.mark.covers("R4")
@pytest.mark.parametrize(
    "hold", [lambda proxy: proxy.tunnel(TARGET), hold_request], ids=["tunnel", "forwarded request"]
)
def test_a_peer_that_is_gone_without_a_word_is_asked(start, raw, hold):
    """TCP keepalive on both sides, the client's and the server's, of what has lasted."""
    raw(absorb, port=7000)
    proxy = start(unrestricted(), config={"timeouts": {"idle": "4s", "half_close": "1s"}})
    held = hold(proxy)
    ours = proxy.where[1]
    wire.wait_for(lambda: [local for local, _ in kept_alive(ours)] == [ours])
    wire.wait_for(lambda: [remote for _, remote in kept_alive(7000)] == [7000])
    held.close()


# R5


def flood_down(contact):
    """Talk for as long as anybody takes it."""
    while True:
        contact.sock.sendall(bytes(65536))


def fetch_and_leave(proxy):
    client = proxy.tunnel(TARGET)
    client.read(1)
    client.close()


def leave_half(proxy):
    client = proxy.tunnel(TARGET)
    client.read(1)
    client.sock.shutdown(socket.SHUT_RD)
    return client


def be_refused_and_leave(proxy):
    client = proxy.dial()
    client.send(wire.connect_head("denied.example.net:443") + b"x" * 50_000)
    client.close()


@pytest.mark.covers("R5")
@pytest.mark.parametrize("leave, event", [
    (fetch_and_leave, "close"), (leave_half, "close"), (be_refused_and_leave, "deny"),
], ids=["while written to", "for reading only", "refused"])
def test_a_unix_peer_that_leaves_is_one_close(unix_proxy, raw, leave, event):
    """EPOLLHUP stays set on such a socket: it must be told once, and the socket be closed."""
    raw(flood_down, port=7000)
    proxy = unix_proxy(limited("raw.example.com"),
                       config={"operator": {"ports": {"limited": [7000]}}})
    leave(proxy)
    proxy.record.wait(event=event, timeout=PATIENCE)
    assert_waits(proxy)
    proxy.check_rest()
    assert len(proxy.record.lines(event=event)) == 1


@pytest.mark.covers("R4", "R5")
@pytest.mark.parametrize("side", ["client", "server"])
def test_an_end_of_one_side_is_told_once(unix_proxy, raw, hold, side):
    """The tunnel stays open one way, and nothing moves: nor does the proxy."""
    def script(contact):
        if side == "server":
            contact.sock.shutdown(socket.SHUT_WR)
        contact.read_all()
        hold.wait(PATIENCE)

    server = raw(script, port=7000)
    proxy = unix_proxy(limited("raw.example.com"),
                       config={"operator": {"ports": {"limited": [7000]}}})
    client = proxy.tunnel(TARGET)
    if side == "client":
        client.half_close()
        wire.wait_for(lambda: server.contact().ended, PATIENCE)
    else:
        assert client.ended()
    assert_waits(proxy)
    assert proxy.record.lines(event="close") == []
    client.close()
    hold.set()
    proxy.record.wait(event="close", timeout=PATIENCE)


# R6


@pytest.mark.covers("R6")
@pytest.mark.parametrize("first", ["server", "client"])
def test_the_tail_behind_an_end_is_delivered(start, raw, first):
    """Data and the end come together, told at once to a proxy that was away."""
    sent = random.Random(6).randbytes(30_000)      # fits into every buffer of the kernel
    said = []

    def script(contact):
        contact.read_some()
        while not said:
            time.sleep(0.01)
        if first == "server":
            contact.sock.sendall(sent)
            contact.sock.shutdown(socket.SHUT_WR)
        contact.read_all()

    server = raw(script, port=7000)
    proxy = start(unrestricted())
    client = proxy.tunnel(TARGET)
    client.send(b"go")
    wire.wait_for(lambda: server.contact().received == b"go")
    with proxy.stopped():
        said.append(True)
        if first == "client":
            client.send(sent)
        client.half_close()
        time.sleep(0.3)
    if first == "server":
        assert client.read_all() == sent
    else:
        wire.wait_for(lambda: server.contact().ended, PATIENCE)
        assert server.contact().received == b"go" + sent


# R8


@pytest.mark.covers("R8")
def test_connections_are_spread_over_workers(start, raw):
    """By hash of the kernel: the fullest has less than twice what the emptiest has."""
    raw(absorb, port=7000)
    proxy = start(unrestricted(), workers=4)
    for _ in range(400):
        proxy.tunnel(TARGET).close()
    lines = proxy.record.wait_count(400, event="open")
    counts = Counter(line["worker"] for line in lines)
    assert len(counts) == 4 and max(counts.values()) < 2 * min(counts.values()), counts


@pytest.mark.covers("R8")
def test_nobody_is_reset_by_reloads(start, raw):
    raw(echo, port=7000)
    proxy = start(unrestricted())
    for i in range(200):
        if i % 10 == 0:
            proxy.signal(signal.SIGHUP)
        client = proxy.tunnel(TARGET)
        assert client.send(b"x").read(1) == b"x"
        client.close()
    wire.wait_for(lambda: proxy.stderr().count(b"reloaded"), PATIENCE)


@pytest.mark.covers("R8")
def test_who_waits_to_be_accepted_at_the_end_is_answered(start, raw):
    """The queue of a listener is emptied before it is closed: a 503 is no reset."""
    raw(absorb, port=7000)
    proxy = start(unrestricted(), config={"timeouts": {"drain": "20s"}})
    idle = [proxy.dial() for _ in range(20)]
    with proxy.stopped():
        clients = [proxy.dial().send(wire.connect_head(TARGET)) for _ in range(300)]
        proxy.signal(signal.SIGTERM)
    answers = [client.response("CONNECT") for client in clients]
    assert {answer.status for answer in answers} <= {200, 503}
    for answer in answers:
        if answer.status == 503:
            refusal.check(answer, 503, "shutting_down")
    assert all(client.ended() for client in idle), "without a request: an end, no reset"
    wire.close_all()
    proxy.check_end(PATIENCE)


# R9


@pytest.mark.covers("R9")
def test_readers_of_a_byte_a_second_hold_back_their_servers(start, raw):
    """Tunnels and forwarded responses: each has little of the proxy, the rest waits behind it."""
    sent = Counter()

    def script(contact):
        if contact.read_until(b"\n").startswith(b"GET"):
            contact.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            sent[contact] += contact.sock.send(bytes(MIB))

    raw(script, port=80)
    proxy = start(unrestricted())
    before = proxy.resident()
    clients = [proxy.tunnel("raw.example.com:80", b"go\n") for _ in range(20)]
    for _ in range(20):
        clients.append(proxy.dial().send(wire.request("http://raw.example.com/")))
        clients[-1].response_head()
    for _ in range(3):
        time.sleep(0.4)
        seen = sum(sent.values())
        for client in clients:
            assert client.sock.recv(1)
    assert sum(sent.values()) - seen < 40 * MIB, "the servers are stopped"
    proxy.assert_grew_less(before, 40 * 256 * KIB)
    for client in clients:
        client.abort()


# R12


def half_head(proxy):
    return proxy.dial().send(b"GET http://raw.example.com/ HTTP/1.1\r\nX: " + b"a" * 10 * KIB)


def half_hello(proxy):
    """A handshake record of 16 KiB, of which 10 have come."""
    begin = b"\x16\x03\x01\x40\x00" + b"\x01\x00\x3f\xfc\x03\x03"
    return proxy.tunnel("raw.example.com:443").send(begin + bytes(10 * KIB))


def ahead_of_a_connection(proxy):
    return proxy.dial().send(wire.connect_head(f"{net.SILENT}:443") + bytes(10 * KIB))


def half_body(proxy):
    return proxy.dial().send(
        f"POST http://{net.SILENT}/ HTTP/1.1\r\nHost: {net.SILENT}\r\n"
        "Content-Length: 1000000\r\n\r\n".encode() + bytes(10 * KIB))


@pytest.mark.covers("R12")
@pytest.mark.parametrize("hold", [half_head, half_hello, ahead_of_a_connection, half_body],
                         ids=lambda hold: hold.__name__)
def test_what_is_held_is_no_more_than_what_was_sent(start, raw, full, hold):
    """10 KiB each, in no more than twice as much and a constant for the connection."""
    raw(absorb)
    full(net.SILENT, 443)
    full(net.SILENT, 80)
    proxy = start(limited("raw.example.com", net.SILENT),
                  config={"timeouts": {"connect": "60s", "head": "60s", "hello": "60s"}})
    before = proxy.resident()
    held = [hold(proxy) for _ in range(MANY)]
    time.sleep(0.5)
    proxy.assert_grew_less(before, MANY * (2 * 10 + 8) * KIB)
    assert proxy.refusal("raw.example.com:443").status == 200
    for client in held:
        client.abort()


@pytest.mark.covers("R2", "R12")
def test_memory_goes_back_when_a_crowd_has_gone(start, raw):
    """Not only to the allocator: the process is as small as before, within 2 MiB."""
    raw(absorb)
    proxy = start(limited("raw.example.com"))
    proxy.tunnel("raw.example.com:443").close()
    before = proxy.resident()
    for hold in (half_head, half_hello):
        held = [hold(proxy) for _ in range(MANY)]
        for client in held:
            client.abort()
    if not sanitized():
        wire.wait_for(lambda: proxy.resident() < before + 2 * MIB, PATIENCE,
                      message=f"memory that comes back: {before} {proxy.resident()}")


# R13


first_ports = itertools.count(61001, 10)


@pytest.fixture
def few_ports():
    """Ten local ports for the whole namespace; each time others, which wait for nothing."""
    first = next(first_ports)
    path = "/proc/sys/net/ipv4/ip_local_port_range"
    try:
        with open(path, "r+", encoding="ascii") as setting:
            was = setting.read()
            setting.seek(0)
            setting.write(f"{first} {first + 9}")
    except OSError as problem:
        pytest.skip(f"{path}: {problem}")
    yield 10
    with open(path, "w", encoding="ascii") as setting:
        setting.write(was)


@pytest.mark.covers("R13")
def test_without_a_local_port_the_answer_says_so(unix_proxy, raw, few_ports):
    """To one server ten tunnels can be; another server has ports of its own."""
    server = raw(echo, port=7000)
    raw(echo, address=net.RAW_OTHER, port=7000)
    proxy = unix_proxy(limited(net.RAW, net.RAW_OTHER),
                       config={"operator": {"ports": {"limited": [7000]}}})
    held = [proxy.tunnel(f"{net.RAW}:7000") for _ in range(few_ports)]
    for _ in range(3):
        refusal.check(proxy.refusal(f"{net.RAW}:7000"), 502, "connect_failed", net.RAW)
    other = proxy.tunnel(f"{net.RAW_OTHER}:7000")
    for client in [*held, other]:
        assert client.send(b"ping").read(4) == b"ping"
    server.contacts[0].sock.shutdown(socket.SHUT_RDWR)     # who ends first waits: not the proxy
    assert held[0].ended()
    held[0].close()
    wire.wait_for(lambda: proxy.refusal(f"{net.RAW}:7000").status == 200, PATIENCE,
                  message="service when a port is free again")


# R14


@pytest.mark.covers("R14")
def test_no_byte_of_one_client_reaches_another(start, raw):
    """Every buffer is filled with one client's secret; then all that others hear is searched."""
    secret = b"c2VjcmV0"
    raw(echo, port=7000)
    raw(lambda contact: contact.sock.sendall(b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 5000),
        port=80)
    proxy = start(limited("raw.example.com"),
                  config={"operator": {"ports": {"limited": [80, 443, 7000]}}})
    heard = b""
    for _ in range(20):
        victim = proxy.tunnel(TARGET)
        victim.send(secret * 30_000)
        assert victim.read(len(secret) * 30_000) == secret * 30_000
        abandoned = proxy.dial().send(b"GET http://raw.example.com/ HTTP/1.1\r\nX: " + secret * 900)
        victim.close()
        abandoned.close()
        for words in (b"GET", wire.connect_head("denied.example.net:443"), b"\x16\x03\x01" * 9,
                      wire.request("http://raw.example.com/"), wire.connect_head(b"\0:443")):
            other = proxy.dial().send(words)
            other.half_close()
            heard += other.cut(PATIENCE)
        neighbour = proxy.tunnel(TARGET)
        heard += neighbour.send(b"mine").read(4)
        neighbour.half_close()
        heard += neighbour.read_all()
    assert b"mine" in heard and b"host_not_allowed" in heard
    assert secret[:4] not in heard and secret[:4] not in proxy.record.text()
