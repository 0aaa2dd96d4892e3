"""Exact bytes, half-close, back-pressure, clocks: sluice(8), WHAT A CLIENT SEES."""

import hashlib
import time

import pytest

from lib import net, wire
from lib.origin import pattern
from lib.raw import FullServer, absorb, echo
from lib.sluice import limited, unrestricted

pytestmark = pytest.mark.usefixtures("workers")

TARGET = "raw.example.com:7000"
MIB = 1 << 20


@pytest.fixture
def server(raw):
    return lambda script: raw(script, port=7000)


def test_bytes_are_exact_in_both_directions(start, server):
    server(echo)
    client = start(unrestricted()).tunnel(TARGET)
    for n in (1, 2, 3, 1000, 16384, 65536, 100_001):
        client.send(pattern(n))
        assert client.read(n) == pattern(n)


@pytest.mark.covers("R4")
def test_the_client_may_end_first(start, server):
    server(lambda c: c.sock.sendall(hashlib.sha256(c.read_all()).hexdigest().encode()))
    proxy = start(unrestricted())
    client = proxy.tunnel(TARGET)
    client.send(pattern(3 * MIB)).half_close()
    assert client.read_all().decode() == hashlib.sha256(pattern(3 * MIB)).hexdigest()
    assert proxy.record.wait(event="close")["bytes_up"] == 3 * MIB


@pytest.mark.covers("R4", "R6")
def test_the_server_may_end_first(start, server):
    def script(contact):
        contact.sock.sendall(pattern(2 * MIB))
        contact.sock.shutdown(1)
        contact.read_all()

    target = server(script)
    client = start(unrestricted()).tunnel(TARGET)
    assert client.read_all() == pattern(2 * MIB)
    client.send(b"I still talk" * 1000).half_close()
    wire.wait_for(lambda: target.contact().ended, message="end at the server")
    assert target.contact().received == b"I still talk" * 1000


@pytest.mark.covers("R9")
def test_a_slow_reader_holds_the_server_back(start, server):
    sent = []

    def script(contact):
        block = pattern(MIB)
        for _ in range(256):
            contact.sock.sendall(block)
            sent.append(len(block))

    server(script)
    proxy = start(unrestricted())
    before = proxy.resident()
    client = proxy.tunnel(TARGET)
    time.sleep(1)
    stuck = len(sent)
    time.sleep(0.5)
    assert len(sent) == stuck < 64, "the server must be stopped while nobody reads"
    proxy.assert_grew_less(before, 8 * MIB)
    digest, total = hashlib.sha256(), 0
    while total < 40 * MIB:
        got = client.read_some()
        digest.update(got)
        total += len(got)
    assert len(sent) > stuck
    client.abort()


@pytest.mark.covers("R9")
def test_a_slow_server_holds_the_client_back(start, server):
    gate = []

    def script(contact):
        while not gate:
            time.sleep(0.02)
        contact.read_all()

    target = server(script)
    proxy = start(unrestricted())
    before = proxy.resident()
    client = proxy.tunnel(TARGET)
    client.sock.settimeout(0.5)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 256 * MIB:
            sent += client.sock.send(pattern(MIB))
    proxy.assert_grew_less(before, 8 * MIB)
    gate.append(True)
    client.sock.settimeout(10)
    client.send(b"end").half_close()
    wire.wait_for(lambda: target.contact().ended, timeout=60)
    assert len(target.contact().received) == sent + 3
    assert proxy.record.wait(event="close")["bytes_up"] == sent + 3


@pytest.mark.parametrize("half_close", ["60s", "1s"], ids=["shorter than half-closed", "as long"])
def test_an_idle_tunnel_is_closed(start, server, half_close):
    target = server(absorb)
    proxy = start(unrestricted(), config={"timeouts": {"idle": "1s", "half_close": half_close}})
    client = proxy.tunnel(TARGET)
    before = time.monotonic()
    client.cut()
    assert 0.7 < time.monotonic() - before < 20
    assert proxy.record.wait(event="close")["ended"] == "idle_timeout"
    wire.wait_for(lambda: target.contact().ended or target.contact().reset)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_activity_in_one_direction_keeps_a_tunnel(start, server, direction):
    def script(contact):
        while True:
            if direction == "down":
                contact.sock.sendall(b"tick")
                time.sleep(0.3)
            elif not contact.read_some():
                return

    server(script)
    proxy = start(unrestricted(), config={"timeouts": {"idle": "1s"}})
    client = proxy.tunnel(TARGET)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        if direction == "down":
            assert client.read(4) == b"tick"
        else:
            client.send(b"tick")
            time.sleep(0.3)
    assert proxy.record.lines(event="close") == []
    client.abort()


@pytest.mark.covers("R4")
def test_after_a_half_close_a_shorter_clock_runs(start, server, hold):
    server(lambda c: (c.read_all(), hold.wait(60)))
    proxy = start(unrestricted(), config={"timeouts": {"half_close": "1s"}})
    client = proxy.tunnel(TARGET)
    client.half_close()
    before = time.monotonic()
    client.cut()
    assert 0.7 < time.monotonic() - before < 20


def test_a_reset_of_the_client_reaches_the_server(start, server):
    target = server(absorb)
    proxy = start(unrestricted())
    client = proxy.tunnel(TARGET)
    client.send(b"hello")
    wire.wait_for(lambda: target.contact().received == b"hello")
    client.abort()
    wire.wait_for(lambda: target.contact().ended or target.contact().reset)
    assert proxy.record.wait(event="close")["bytes_up"] == 5


def test_a_reset_of_the_server_reaches_the_client(start, server):
    server(lambda c: (c.read_some(), wire.Wire(c.sock).abort()))
    proxy = start(unrestricted())
    client = proxy.tunnel(TARGET)
    client.send(b"hello")
    assert client.cut() == b""
    proxy.record.wait(event="close")


def test_a_client_that_goes_while_dialling(start):
    full = FullServer(net.SILENT, 7000)
    proxy = start(unrestricted(), config={"timeouts": {"connect": "3s"}})
    client = proxy.dial()
    client.send(wire.connect_head("silent.example.com:7000"))
    time.sleep(0.3)
    client.abort()
    proxy.check_rest()
    full.stop()


def test_a_client_that_half_closes_while_dialling_is_still_served(start, server):
    """`printf ... | nc` style: the end of input is not the end of interest."""
    server(lambda c: c.sock.sendall(b"got " + c.read_all()))
    client = start(unrestricted()).dial()
    client.send(wire.connect_head(TARGET) + b"all there is").half_close()
    assert client.response("CONNECT").status == 200
    assert client.read_all() == b"got all there is"


def test_many_short_tunnels_leave_nothing_behind(start, server):
    server(echo)
    proxy = start(unrestricted())
    for i in range(300):
        client = proxy.tunnel(TARGET)
        client.send(b"x")
        assert client.read(1) == b"x"
        if i % 3 == 0:
            client.abort()
        else:
            client.close()
    proxy.check_rest()
    assert len(proxy.record.wait_count(300, event="close")) == 300


def test_ipv6_origins_are_reached(start, raw):
    raw(echo, address=net.RAW_V6, port=7000)
    proxy = start(unrestricted())
    client = proxy.tunnel("raw6.example.com:7000")
    client.send(b"six")
    assert client.read(3) == b"six"
    assert proxy.record.wait(event="open")["address"] == net.RAW_V6
    literal = proxy.tunnel(f"[{net.RAW_V6}]:7000")
    literal.send(b"six")
    assert literal.read(3) == b"six"


def test_ipv6_is_tried_first(start):
    proxy = start(limited("both.example.com"))
    proxy.tunnel("both.example.com:443").close()
    opened = proxy.record.wait(event="open")
    assert opened["address"] == net.ORIGIN_V6
