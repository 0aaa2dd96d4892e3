"""Servers that answer badly: nothing ambiguous is passed on, nothing hangs."""

import time

import pytest

from lib import net, refusal, wire
from lib.raw import FullServer, RawServer, absorb, speak
from lib.sluice import limited

pytestmark = pytest.mark.usefixtures("workers")

RAW = limited("raw.example.com", "half.example.com", "stalled.example.com")
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def bad_server():
    """One server for the tables; each test sets its script."""
    server = RawServer(net.RAW, 80)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared(start_shared):
    return start_shared(RAW)


@pytest.mark.covers("H19")
@pytest.mark.parametrize("sent", [
    OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    OK + b"Content-Length: -5\r\n\r\nhello",
    OK + b"Transfer-Encoding: gzip\r\n\r\nhello",
    OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    OK + b"X: 1\r\n folded\r\nContent-Length: 0\r\n\r\n",
    OK + b"X : 1\r\nContent-Length: 0\r\n\r\n",
    OK + b"no colon\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 099 OK\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"hello\r\n\r\n",
    b"",
    OK + b"Content-Le",
    OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
    OK + b"X: 1\r\n" * 200 + b"\r\n",
    OK + b"X: a\x00b\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
], ids=lambda sent: repr(sent[:60])[2:-1])
def test_a_malformed_head_is_a_502(shared, bad_server, sent):
    bad_server.script = speak(sent)
    answer = shared.ask("http://raw.example.com/")
    refusal.check(answer, 502, "upstream_closed", "raw.example.com")


@pytest.mark.covers("H19")
def test_an_endless_head_is_a_502(shared, bad_server):
    def script(contact):
        contact.read_until(b"\r\n\r\n")
        contact.sock.sendall(OK)
        while True:
            contact.sock.sendall(b"X-Filler: " + b"a" * 1000 + b"\r\n")

    bad_server.script = script
    refusal.check(shared.ask("http://raw.example.com/"), 502, "upstream_closed")


@pytest.mark.covers("H19")
def test_a_flood_of_interim_responses_is_bounded(shared, bad_server):
    def script(contact):
        contact.read_until(b"\r\n\r\n")
        while True:
            contact.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    bad_server.script = script
    client = shared.dial()
    client.send(wire.request("http://raw.example.com/"))
    deadline, received = time.monotonic() + 10, 0
    client.sock.settimeout(5)
    while got := client.sock.recv(65536):
        received += len(got)
        assert time.monotonic() < deadline and received < 10_000_000
    client.close()


@pytest.mark.parametrize("sent, arrives", [
    (OK + b"Content-Length: 10\r\n\r\nhello", b"hello"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"hello"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nXX\r\n", b""),
], ids=["length", "chunked", "badchunk"])
def test_a_body_that_is_cut_short_is_cut_short_for_the_client_too(shared, bad_server, sent,
                                                                  arrives):
    """The client must be able to tell: no final chunk, fewer bytes than said, no second answer."""
    bad_server.script = speak(sent)
    client = shared.dial()
    client.send(wire.request("http://raw.example.com/"))
    got = client.cut()
    assert got.startswith(b"HTTP/1.1 200 ") and arrives in got
    assert not got.endswith(b"0\r\n\r\n") and got.count(b"HTTP/1.1 ") == 1
    assert b"Content-Length: 5\r\n" not in got


@pytest.mark.covers("H19")
def test_bytes_after_a_response_never_become_the_next_one(shared, bad_server):
    bad_server.script = speak(OK + b"Content-Length: 2\r\n\r\nok"
                              + OK + b"Content-Length: 5\r\n\r\nstale", then_read=True)
    client = shared.dial()
    client.send(wire.request("http://raw.example.com/1"))
    assert client.response().body == b"ok"
    bad_server.script = speak(OK + b"Content-Length: 5\r\n\r\nfresh")
    client.send(wire.request("http://raw.example.com/2"))
    assert client.response().body == b"fresh"


def test_a_body_until_the_end_of_the_connection(shared, bad_server):
    bad_server.script = speak(b"HTTP/1.0 200 OK\r\n\r\n", b"all ", b"of it")
    assert shared.ask("http://raw.example.com/").body == b"all of it"


def test_an_answer_before_the_end_of_the_upload(shared, bad_server):
    bad_server.script = speak(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig",
                              then_read=True)
    client = shared.dial()
    client.send(wire.request("http://raw.example.com/", "PUT",
                             fields=["Content-Length: 100000000"]) + b"x" * 100_000)
    answer = client.response()
    assert answer.status == 413 and answer.body == b"big"
    client.close()


@pytest.mark.covers("H6")
def test_the_rest_of_an_upload_is_never_a_request(start, bad_server):
    """The answer has come, and what is left of the body looks like a request."""
    proxy = start(RAW)
    bad_server.script = speak(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig",
                              then_read=True)
    client = proxy.dial()
    client.send(wire.request("http://raw.example.com/", "PUT", fields=["Content-Length: 1000"]))
    answer = client.response()
    assert answer.status == 413 and answer.get("connection") == "close"
    client.send(wire.request("http://raw.example.com/smuggled") + wire.connect_head("a.b:1"))
    assert client.cut() == b""
    assert len(proxy.record.wait_count(1, event="close")) == 1
    assert {line.get("path") for line in proxy.record.lines()} == {"/"}


def test_a_server_that_resets_is_a_502(shared, bad_server):
    def script(contact):
        contact.read_until(b"\r\n\r\n")
        wire.Wire(contact.sock).abort()

    bad_server.script = script
    refusal.check(shared.ask("http://raw.example.com/"), 502, "upstream_closed",
                  "raw.example.com")


def test_a_client_that_goes_away_ends_the_request(shared, bad_server):
    bad_server.script = absorb
    already = len(bad_server.contacts)
    client = shared.dial()
    client.send(wire.request("http://raw.example.com/"))
    contact = bad_server.contact(already)
    wire.wait_for(lambda: b"\r\n\r\n" in contact.received)
    client.abort()
    wire.wait_for(lambda: contact.ended or contact.reset, message="end at the server")


def test_the_second_address_is_tried_when_the_first_refuses(start):
    proxy = start(RAW)
    assert proxy.ask("http://half.example.com/echo").status == 200
    opened = proxy.record.wait(event="open")
    assert opened["address"] == net.ORIGIN
    assert sorted(opened["addresses"]) == sorted([net.NOBODY, net.ORIGIN])


def test_a_silent_first_address_costs_a_quarter_second(start):
    full = FullServer(net.SILENT, 80)
    proxy = start(RAW)
    before = time.monotonic()
    assert proxy.ask("http://stalled.example.com/echo").status == 200
    assert time.monotonic() - before < 8
    full.stop()


def test_a_server_that_never_answers_is_ended_by_the_idle_clock(start, bad_server):
    bad_server.script = absorb
    proxy = start(RAW, config={"timeouts": {"idle": "1s"}})
    before = time.monotonic()
    answer = proxy.ask("http://raw.example.com/")
    assert 0.8 < time.monotonic() - before < 20
    refusal.check(answer, 504, "idle_timeout")


def test_a_kept_connection_ends_after_keep_alive(start):
    proxy = start(limited("www.example.com"), config={"timeouts": {"keep_alive": "1s"}})
    client = proxy.dial()
    client.send(wire.request("http://www.example.com/echo"))
    assert client.response().status == 200
    before = time.monotonic()
    assert client.ended()
    assert 0.5 < time.monotonic() - before < 20
