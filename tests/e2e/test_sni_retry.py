"""HelloRetryRequest: the client's second ClientHello is judged like the first.

The server is a real `openssl s_server` that takes P-384 only, behind a relay which
writes down what reaches it; the client is OpenSSL in memory, which offers X25519 first.
"""

import pytest

from lib import hello, net, wire
from lib.raw import absorb
from lib.s_server import SServer
from lib.sluice import limited, unrestricted
from lib.tls import MemoryClient

pytestmark = pytest.mark.usefixtures("workers")

NAME = "tls.example.com"
FOREIGN = "xyz.example.com"
TARGET = f"{NAME}:443"


@pytest.fixture(scope="module")
def s_server(authority):
    server = SServer(authority, "-groups", "P-384", "-tls1_3")
    yield server
    server.stop()


@pytest.fixture
def server(s_server, raw):
    return raw(s_server.relay)


def first_flight(proxy, context):
    """A tunnel in which the first hello was sent and the retry request came back."""
    client = MemoryClient(context, NAME)
    tunnel = proxy.tunnel(TARGET)
    done, data = client.step()
    assert not done
    tunnel.send(data)
    head = tunnel.read(5)
    retry = head + tunnel.read(int.from_bytes(head[3:5], "big"))
    assert retry[0] == 22 and retry[5] == 2
    client.feed(retry)
    done, data = client.step()
    assert not done and NAME.encode() in data, "the server asked for no retry"
    return client, tunnel, data


def finish(client, tunnel, data):
    """Carry bytes until the handshake is done, then one line through s_server -rev."""
    tunnel.send(data)
    done = False
    while not done:
        client.feed(tunnel.read_some())
        done, data = client.step()
        if data:
            tunnel.send(data)
    client.tls.write(b"abc\n")
    tunnel.send(client.outgoing.read())
    answer = b""
    while b"cba" not in answer:
        client.feed(tunnel.read_some())
        try:
            answer += client.tls.read(100)
        except OSError:
            pass
    tunnel.close()


@pytest.mark.parametrize("document", [limited(NAME), unrestricted()],
                         ids=["limited", "unrestricted"])
def test_an_honest_retry_works(start, server, authority, document):
    proxy = start(document)
    finish(*first_flight(proxy, authority.client_context()))
    closed = proxy.record.wait(event="close")
    assert closed["hello_retry"] is True and closed["sni"] == NAME
    assert closed["verdict"] == "allow"


def assert_cut(proxy, tunnel, server, reason="sni_mismatch"):
    got = tunnel.cut()
    # A compatibility change_cipher_spec of the server may stand before the alert.
    assert hello.is_access_denied(got[-hello.ALERT_SIZE:]), got
    closed = proxy.record.wait(event="close")
    assert (closed["verdict"], closed["reason"]) == ("deny", reason)
    assert FOREIGN.encode() not in server.contact().received


@pytest.mark.covers("T1")
def test_a_name_that_changes_after_the_retry_is_cut(start, server, authority):
    proxy = start(limited(NAME, FOREIGN))
    _, tunnel, data = first_flight(proxy, authority.client_context())
    tunnel.send(hello.patched(data, NAME, FOREIGN))
    assert_cut(proxy, tunnel, server)


def test_the_same_in_one_byte_segments(start, server, authority):
    proxy = start(limited(NAME))
    _, tunnel, data = first_flight(proxy, authority.client_context())
    for byte in hello.patched(data, NAME, FOREIGN):
        try:
            tunnel.send(bytes([byte]))
        except OSError:
            break
    assert_cut(proxy, tunnel, server)


def test_a_second_hello_that_was_sent_ahead_is_cut(start, server, authority):
    """Both hellos in one write: the second may not slip through with the first."""
    proxy = start(limited(NAME))
    _, first = MemoryClient(authority.client_context(), NAME).step()
    change = b"\x14\x03\x03\x00\x01\x01"
    second = hello.hello(FOREIGN, share=b"\x18")
    tunnel = proxy.tunnel(TARGET)
    tunnel.send(first + change + second)
    assert_cut(proxy, tunnel, server)


def test_a_second_hello_without_a_name_is_cut(start, server, authority):
    proxy = start(limited(NAME))
    _, tunnel, _ = first_flight(proxy, authority.client_context())
    tunnel.send(b"\x14\x03\x03\x00\x01\x01" + hello.hello(None, share=b"\x18"))
    assert_cut(proxy, tunnel, server, "sni_missing")


def test_what_is_no_second_hello_is_cut(start, server, authority):
    proxy = start(limited(NAME))
    _, tunnel, _ = first_flight(proxy, authority.client_context())
    before = len(server.contact().received)
    tunnel.send(b"GET / HTTP/1.1\r\n\r\n")
    tunnel.cut()
    assert proxy.record.wait(event="close")["verdict"] == "deny"
    assert len(server.contact().received) == before


def test_unrestricted_judges_the_second_name_by_itself(start, server, authority):
    proxy = start(unrestricted(), config={"operator": {"deny": [FOREIGN]}})
    _, tunnel, data = first_flight(proxy, authority.client_context())
    tunnel.send(hello.patched(data, NAME, FOREIGN))
    assert_cut(proxy, tunnel, server, "operator_deny")


def test_bytes_behind_the_first_hello_wait_for_the_server(start, raw):
    """The server has not answered: what follows the hello is held back."""
    server = raw(absorb, address=net.RAW)
    proxy = start(limited(NAME))
    first = hello.hello(NAME)
    tunnel = proxy.tunnel(TARGET)
    tunnel.send(first + hello.hello(FOREIGN, share=b"\x18"))
    wire.wait_for(lambda: server.contact().received == first)
    tunnel.quiet(0.3)
    assert server.contact().received == first
    tunnel.abort()
