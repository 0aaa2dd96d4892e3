"""A side that goes away is noticed at once, or after half_close: sluice(8), WHAT A CLIENT SEES.

A reset ends a session at once, even when data came with it and even while nobody reads
that side.  A FIN of the client is no reset: the server may still answer, for half_close.
The idle clock is long in all these tests, so that it cannot be what ended the session.
"""

import socket
import threading
import time

import pytest

from lib import hello, net, wire
from lib.raw import absorb
from lib.sluice import limited

pytestmark = pytest.mark.usefixtures("workers")

ALLOWED = limited("raw.example.com", net.SILENT)
CLOCKS = {"timeouts": {"idle": "20s", "half_close": "1s", "connect": "20s"}}
URL = "http://raw.example.com/"
GRACE = 10.0        # of the test, on top of a clock; without that clock it would be 20 s


@pytest.fixture
def proxy(start):
    return start(ALLOWED, config=CLOCKS)


@pytest.fixture
def silent(raw, hold):
    """silent(port): a server that accepts, reads nothing and says nothing."""
    return lambda port: raw(lambda contact: hold.wait(30), port=port)


def abort(contact):
    wire.Wire(contact.sock).abort()


def ends_within(proxy, seconds, event="close"):
    return proxy.record.wait(timeout=seconds, event=event)


def fill(client, data=bytes(65536)):
    """Send until nothing more is taken for a while."""
    client.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            client.sock.send(data)


@pytest.mark.covers("R5")
def test_the_client_sends_data_and_a_reset_together(proxy, raw):
    server = raw(absorb, port=80)
    client = proxy.tunnel("raw.example.com:80")
    client.send(b"ping")
    wire.wait_for(lambda: server.contact().received == b"ping")
    with proxy.stopped():
        client.send(b"bye")
        client.abort()
        time.sleep(0.1)
    ends_within(proxy, GRACE)


def test_many_clients_that_end_in_data_and_a_reset(proxy, raw):
    raw(absorb, port=80)
    clients = [proxy.tunnel("raw.example.com:80") for _ in range(100)]
    for client in clients:
        client.send(b"bye")
        client.abort()
    proxy.record.wait_count(len(clients), event="close")


def test_the_server_sends_data_and_a_reset_together(proxy, raw):
    go, gone = threading.Event(), threading.Event()

    def script(contact):
        contact.read_some()
        go.wait(10)
        contact.sock.sendall(b"answer")
        abort(contact)
        gone.set()

    server = raw(script, port=80)
    client = proxy.tunnel("raw.example.com:80")
    client.send(b"ask")
    wire.wait_for(lambda: server.contact().received == b"ask")
    with proxy.stopped():
        go.set()
        assert gone.wait(5)
        time.sleep(0.1)
    client.cut()
    ends_within(proxy, GRACE)


def test_an_answer_without_length_that_ends_in_a_reset(proxy, raw):
    go, gone = threading.Event(), threading.Event()

    def script(contact):
        contact.read_until(b"\r\n\r\n")
        go.wait(10)
        contact.sock.sendall(b"HTTP/1.1 200 OK\r\n\r\npartial")
        abort(contact)
        gone.set()

    server = raw(script, port=80)
    client = proxy.dial()
    client.send(wire.request(URL))
    wire.wait_for(lambda: server.contact().received.endswith(b"\r\n\r\n"))
    with proxy.stopped():
        go.set()
        assert gone.wait(5)
        time.sleep(0.1)
    client.cut()
    ends_within(proxy, GRACE)


def test_a_reset_in_an_upload_that_nobody_takes(proxy, silent):
    silent(80)
    client = proxy.dial()
    client.send(b"POST http://raw.example.com/ HTTP/1.1\r\nHost: raw.example.com\r\n"
                b"Content-Length: 1000000000\r\n\r\n")
    fill(client)
    client.abort()
    ends_within(proxy, GRACE)


def test_a_reset_in_a_tunnel_that_nobody_reads(proxy, silent):
    silent(80)
    client = proxy.tunnel("raw.example.com:80")
    fill(client)
    client.abort()
    ends_within(proxy, GRACE)


def test_a_reset_while_the_server_is_being_reached(proxy, full):
    full(net.SILENT, 80)
    client = proxy.dial()
    client.send(wire.connect_head(f"{net.SILENT}:80"))
    wire.wait_for(lambda: proxy.descriptors() >= proxy.idle + 2, message="a dial")
    client.abort()
    ends_within(proxy, GRACE, event="fail")


def test_a_client_that_ends_while_the_server_keeps_its_answer(proxy, silent):
    server = silent(80)
    client = proxy.dial()
    client.send(wire.request(URL))
    server.contact()
    client.close()
    ends_within(proxy, 1 + GRACE)


def test_a_client_that_ends_after_its_hello(proxy, silent):
    """The hello was judged and sent on; the server has yet to answer it."""
    server = silent(443)
    client = proxy.tunnel("raw.example.com:443")
    client.send(hello.hello("raw.example.com"))
    server.contact()
    time.sleep(0.2)
    client.close()
    ends_within(proxy, 1 + GRACE)


def test_the_server_may_answer_a_client_that_has_ended(proxy, raw):
    def script(contact):
        contact.read_until(b"\r\n\r\n")
        time.sleep(0.4)
        contact.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")

    raw(script, port=80)
    client = proxy.dial()
    client.send(wire.request(URL)).half_close()
    assert client.response().body == b"late"


@pytest.mark.covers("R6")
def test_a_large_answer_in_front_of_a_reset_is_delivered(proxy, raw):
    """The server does not read the upload, so that its close is a reset."""
    size = 200_000

    def script(contact):
        contact.sock.sendall(b"R" * size)
        time.sleep(0.5)

    raw(script, port=80)
    client = proxy.tunnel("raw.example.com:80")
    client.send(b"u" * 100_000)
    time.sleep(0.8)
    assert len(client.cut()) == size


def test_an_urgent_byte_stays_in_its_place(proxy, raw):
    server = raw(absorb, port=80)
    client = proxy.tunnel("raw.example.com:80")
    with proxy.stopped():
        client.send(b"abc")
        client.sock.send(b"X", socket.MSG_OOB)
        client.send(b"def")
        time.sleep(0.1)
    wire.wait_for(lambda: server.contact().received == b"abcXdef")
