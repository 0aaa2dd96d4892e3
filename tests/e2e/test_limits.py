"""Limits and clocks: overload is said, never suffered."""

import time

import pytest

from lib import net, refusal, wire
from lib.dns import Answer, ScriptedDns
from lib.raw import FullServer, echo
from lib.sluice import limited, sanitized, unrestricted

pytestmark = pytest.mark.usefixtures("workers")


@pytest.mark.covers("R2")
def test_beyond_the_limit_of_connections_is_a_503(start, raw):
    raw(echo, port=7000)
    proxy = start(unrestricted(), config={"limits": {"connections": 8}})
    held, answers = [], []
    for _ in range(12):
        client = proxy.dial()
        client.send(wire.connect_head("raw.example.com:7000"))
        answer = client.response("CONNECT")
        answers.append(answer.status)
        if answer.status == 503:
            refusal.check(answer, 503, "overloaded")
            client.close()
        else:
            held.append(client)
    assert answers.count(200) == 8 and answers.count(503) == 4
    for client in held:
        client.send(b"ping")
        assert client.read(4) == b"ping"
    held.pop().close()
    wire.wait_for(lambda: proxy.refusal("raw.example.com:7000").status == 200,
                  message="room after one has left")
    assert proxy.record.wait(reason="overloaded")["verdict"] == "deny"


@pytest.mark.covers("R1")
def test_a_slow_head_is_timed_out(start):
    proxy = start(unrestricted(), config={"timeouts": {"head": "1s"}})
    client = proxy.dial()
    before = time.monotonic()
    client.sock.settimeout(0.2)
    head, got = wire.connect_head("www.example.com:443", fields=["X-Slow: " + "a" * 100]), b""
    for byte in head:
        try:
            client.send(bytes([byte]))
            got = client.sock.recv(65536)
            break
        except TimeoutError:
            pass
        assert time.monotonic() - before < 15, "one byte at a time must not stretch the clock"
    client.buffer = got
    client.sock.settimeout(wire.TIMEOUT)
    refusal.check(client.response(), 408, "head_timeout")
    assert 0.7 < time.monotonic() - before < 8
    assert proxy.record.wait(reason="head_timeout")


def test_a_silent_client_is_closed(start):
    proxy = start(unrestricted(), config={"timeouts": {"head": "1s"}})
    client = proxy.dial()
    before = time.monotonic()
    client.cut()
    assert 0.7 < time.monotonic() - before < 8


def test_a_client_that_never_reads_its_refusal_is_closed(start):
    """After a refusal the proxy waits for the client to close, 5 s at most."""
    proxy = start(limited("www.example.com"))
    client = proxy.dial()
    client.send(wire.connect_head("denied.example.net:443"))
    assert client.response().status == 403
    before = time.monotonic()
    while proxy.descriptors() > proxy.idle:
        try:
            client.send(b"x" * 1000)
        except OSError:
            pass
        time.sleep(0.05)
        assert time.monotonic() - before < 20
    assert time.monotonic() - before > 3, "a refused client has time to read"


@pytest.mark.covers("R10")
def test_a_stalled_name_does_not_hold_up_others(start):
    server = ScriptedDns(lambda name, kind, nth: Answer(silent=True) if name.startswith("stall")
                         else Answer(net.ORIGIN, ttl=60))
    proxy = start(unrestricted(), resolver=server.server, config={
        "timeouts": {"resolve": "6s"}, "resolver": {"timeout": "6s"}})
    waiting = []
    for i in range(50):
        client = proxy.dial()
        client.send(wire.connect_head(f"stall{i}.example.com:443"))
        waiting.append(client)
    before = time.monotonic()
    for i in range(20):
        assert proxy.refusal(f"quick{i}.example.com:443").status == 200
    assert time.monotonic() - before < 5
    for client in waiting:
        refusal.check(client.response("CONNECT"), 504, "dns_timeout")
    server.stop()


@pytest.mark.covers("R11")
def test_a_black_hole_does_not_hold_up_others(start):
    full = FullServer(net.SILENT, 443)
    proxy = start(unrestricted(), config={"timeouts": {"connect": "6s"}})
    waiting = []
    for _ in range(50):
        client = proxy.dial()
        client.send(wire.connect_head("silent.example.com:443"))
        waiting.append(client)
    before = time.monotonic()
    for _ in range(20):
        assert proxy.refusal("www.example.com:443").status == 200
    assert time.monotonic() - before < 5
    for client in waiting:
        refusal.check(client.response("CONNECT"), 504, "connect_timeout")
    full.stop()


def test_one_query_for_many_who_ask_the_same(start):
    def script(name, kind, nth):
        time.sleep(0.3)
        return Answer(net.ORIGIN, ttl=60)

    server = ScriptedDns(script)
    proxy = start(unrestricted(), resolver=server.server, workers=1)
    clients = []
    for _ in range(20):
        client = proxy.dial()
        client.send(wire.connect_head("www.example.com:443"))
        clients.append(client)
    assert [client.response("CONNECT").status for client in clients] == [200] * 20
    assert server.count("www.example.com") == 1
    assert proxy.refusal("www.example.com:443").status == 200
    assert server.count("www.example.com") == 1, "cached within its TTL"
    server.stop()


@pytest.mark.covers("R12")
def test_memory_of_many_half_sent_heads_is_bounded(start):
    proxy = start(unrestricted())
    before = proxy.resident()
    clients = []
    for _ in range(200):
        client = proxy.dial()
        client.send(b"GET http://www.example.com/ HTTP/1.1\r\nX: " + b"a" * 20000)
        clients.append(client)
    time.sleep(0.3)
    proxy.assert_grew_less(before, 200 * (64 << 10))
    assert proxy.refusal("www.example.com:443").status == 200


@pytest.mark.covers("R12")
def test_memory_comes_back_after_a_flood(start):
    """Long heads without an end: what they took goes back to the system when they are gone."""
    proxy = start(limited("www.example.com"))
    proxy.refusal("denied.example.net:443")
    idle, flood = proxy.resident(), []
    for _ in range(800):
        client = proxy.dial()
        client.send(b"CONNECT www.example.com:443 HTTP/1.1\r\nX: " + b"x" * 15000)
        flood.append(client)
    if not sanitized():
        wire.wait_for(lambda: proxy.resident() > idle + (8 << 20), message="high tide")
    for client in flood:
        client.close()
    proxy.check_rest()
    if not sanitized():
        wire.wait_for(lambda: proxy.resident() < idle + (2 << 20), 20.0, message="ebb")
