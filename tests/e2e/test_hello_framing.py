"""Unusual records around a ClientHello hide no name: sluice(8), NAMES INSIDE TUNNELS.

Servers are lenient: OpenSSL takes any minor record version and empty records, others skip
a warning alert, so what such a server would take for a hello must not pass as another
protocol.  The server is a real `openssl s_server`; the client is OpenSSL in memory, whose
bytes the test reshapes.
"""

import socket
import ssl
import time

import pytest

from lib import hello, wire
from lib.s_server import SServer
from lib.sluice import limited, unrestricted
from lib.tls import MemoryClient

NAME = "tls.example.com"
FOREIGN = "evil.example.net"
TARGET = f"{NAME}:443"
DENY = {"operator": {"deny": [FOREIGN]}}


@pytest.fixture(scope="module")
def s_server(authority):
    server = SServer(authority)
    yield server
    server.stop()


@pytest.fixture
def server(s_server, raw):
    return raw(s_server.relay)


@pytest.fixture(params=["limited", "unrestricted"])
def proxy(request, start):
    document = limited(NAME) if request.param == "limited" else unrestricted()
    return start(document, config=DENY)


@pytest.fixture(params=["1.2", "1.3"])
def context(request, authority):
    made = authority.client_context()
    made.minimum_version = made.maximum_version = {
        "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[request.param]
    return made


def with_version(version):
    return lambda data: data[:1] + version + data[3:]


def behind(record):
    return lambda data: record + data


def recut(size, version=0x0301):
    return lambda data: hello.records(data[5:], size, version)


VERSIONS = {f"version {v.hex('.')}": with_version(v)
            for v in (b"\x03\x00", b"\x03\x05", b"\x03\xff", b"\x02\x01", b"\x00\x00",
                      b"\x0f\xff")}
LEADING = {
    "empty record": behind(b"\x16\x03\x01\x00\x00"),
    "empty record, version 3.255": behind(b"\x16\x03\xff\x00\x00"),
    "warning alert": behind(hello.WARNING),
    "warning alert, version 2.1": behind(b"\x15\x02\x01\x00\x02\x01\x5a"),
    "change_cipher_spec": behind(hello.CHANGE_CIPHER_SPEC),
    "empty application data": behind(b"\x17\x03\x01\x00\x00"),
    "application data": behind(b"\x17\x03\x03\x00\x05hello"),
    "many warning alerts": behind(hello.WARNING * 4),
    "hello request": behind(b"\x16\x03\x01\x00\x04" + bytes(4)),
}
FRAGMENTS = {"3 byte records": recut(3), "3 byte records, version 3.5": recut(3, 0x0305)}
SHAPES = {"usual": lambda data: data, **VERSIONS, **LEADING, **FRAGMENTS}


def handshake(tunnel, context, name, shape, one_by_one=False):
    """Has the handshake come to its end?  Its first flight is sent in that shape."""
    client = MemoryClient(context, name)
    tunnel.sock.settimeout(10)
    done, data = client.step()
    data = shape(data)
    try:
        for piece in [bytes([b]) for b in data] if one_by_one else [data]:
            tunnel.send(piece)
        while not done:
            got = tunnel.read_some()
            if not got:
                break
            client.feed(got)
            done, data = client.step()
            if data:
                tunnel.send(data)
    except OSError:     # a reset, a time-out or an error of TLS
        pass
    return done


def assert_foreign_is_cut(proxy, server, context, shape, one_by_one=False):
    tunnel = proxy.tunnel(TARGET)
    assert not handshake(tunnel, context, FOREIGN, SHAPES[shape], one_by_one)
    tunnel.close()
    closed = proxy.record.wait(event="close")
    assert closed["verdict"] == "deny", closed
    for contact in server.contacts:
        assert FOREIGN.encode() not in contact.received


@pytest.mark.covers("T1", "T4")
@pytest.mark.parametrize("shape", SHAPES)
def test_no_framing_hides_a_denied_name(proxy, server, context, shape):
    assert_foreign_is_cut(proxy, server, context, shape)


@pytest.mark.parametrize("shape", ["version 03.ff", *LEADING])
def test_not_even_one_byte_at_a_time(proxy, server, context, shape):
    assert_foreign_is_cut(proxy, server, context, shape, one_by_one=True)


@pytest.mark.parametrize("one_by_one", [False, True], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("shape", ["usual", "version 03.00", "version 03.05", "version 03.ff",
                                   "3 byte records"])
def test_an_honest_handshake_in_lenient_framing_works(proxy, server, context, shape, one_by_one):
    """The server takes these, and their names are seen: nothing is in the way."""
    tunnel = proxy.tunnel(TARGET)
    assert handshake(tunnel, context, NAME, SHAPES[shape], one_by_one)
    tunnel.close()
    closed = proxy.record.wait(event="close")
    assert closed["verdict"] == "allow" and closed["sni"] == NAME


@pytest.mark.parametrize("before", [
    b"", hello.WARNING, hello.CHANGE_CIPHER_SPEC, hello.WARNING * 3 + hello.CHANGE_CIPHER_SPEC,
], ids=["alone", "warning", "change_cipher_spec", "several"])
@pytest.mark.parametrize("one_by_one", [False, True], ids=["at once", "byte by byte"])
def test_a_retry_request_behind_other_records_is_seen(proxy, raw, before, one_by_one):
    """Clients pass over these records, and answer the retry by a second hello."""
    answer = before + hello.retry_request()

    def script(contact):
        contact.read_some()
        contact.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in [bytes([b]) for b in answer] if one_by_one else [answer]:
            contact.sock.sendall(piece)
            time.sleep(0.001)
        contact.read_all()

    server = raw(script)
    tunnel = proxy.tunnel(TARGET)
    tunnel.send(hello.hello(NAME))
    assert tunnel.read(len(answer)) == answer
    tunnel.send(hello.hello(FOREIGN, share=b"\x18"))
    assert hello.is_access_denied(tunnel.cut())
    closed = proxy.record.wait(event="close")
    assert closed["verdict"] == "deny" and closed["hello_retry"] is True
    wire.wait_for(lambda: server.contact().ended or server.contact().reset)
    assert FOREIGN.encode() not in server.contact().received
