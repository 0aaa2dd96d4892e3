"""Names inside the tunnel: sluice(8), NAMES INSIDE TUNNELS."""

import time

import pytest

from lib import hello, net, wire
from lib.raw import absorb, echo, greet
from lib.sluice import limited, unrestricted

pytestmark = pytest.mark.usefixtures("workers")

TLS = limited("tls.example.com", "*.example.org", "other.example.com")
NAME = "tls.example.com"
TARGET = f"{NAME}:443"


def passes(proxy, server, target, sent, pieces=None, nth=0):
    """The bytes must arrive as they are, and the tunnel must work both ways."""
    client = proxy.tunnel(target)
    for piece in pieces or [sent]:
        client.send(piece)
    assert client.read(len(sent)) == sent
    client.send(b"more")
    assert client.read(4) == b"more"
    client.close()
    assert server.contact(nth).received.startswith(sent)
    return proxy.record.wait(event="close")


def is_cut(proxy, server, target, sent, reason, alert=True):
    """An alert, the end, no byte to the server, and a close line that says why."""
    client = proxy.tunnel(target)
    client.send(sent)
    got = client.cut()
    if alert:
        assert hello.is_access_denied(got), got
    closed = proxy.record.wait(event="close")
    assert (closed["verdict"], closed["reason"]) == ("deny", reason), closed
    for contact in server.contacts:
        assert contact.received == b""
    opened = proxy.record.wait(event="open")
    for key in ("id", "host", "port", "method", "environment", "client"):
        assert opened[key] == closed[key]
    return closed


@pytest.mark.parametrize("sni", [NAME, "TLS.Example.COM"])
def test_a_matching_name_passes(start, raw, sni):
    proxy, server = start(TLS), raw(echo)
    closed = passes(proxy, server, TARGET, hello.hello(sni, alpn=["h2", "http/1.1"]))
    assert closed["sni"] == NAME and closed["alpn"] == "h2,http/1.1"
    assert closed["verdict"] == "allow" and closed["ech"] is False


def test_a_trailing_dot_is_the_same_name(start, raw):
    proxy, server = start(TLS), raw(echo)
    passes(proxy, server, TARGET, hello.hello(f"{NAME}."))


def test_a_real_handshake_passes(start, origin, authority):
    proxy = start(limited("www.example.com"))
    client = authority.wrap(proxy.tunnel("www.example.com:443"), "www.example.com")
    client.send(b"GET /bytes/300000 HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n")
    assert len(client.response().body) == 300000
    client.close()
    assert proxy.record.wait(event="close")["sni"] == "www.example.com"


@pytest.mark.covers("T1", "B1")
@pytest.mark.parametrize("sni, reason", [
    ("denied.example.net", "sni_mismatch"),
    ("other.example.com", "sni_mismatch"),
    ("a.example.org", "sni_mismatch"),
    ("x.tls.example.com", "sni_mismatch"),
    ("ls.example.com", "sni_mismatch"),
    ("tls.example.com.evil.example.net", "sni_mismatch"),
    ("tls.example.com\0.evil.example.net", "sni_mismatch"),
    ("93.184.215.20", "sni_mismatch"),
    ("t\u00e4st.example.com", "sni_mismatch"),
    ("", "not_tls"),       # RFC 6066 3: a HostName has at least one byte
    (None, "sni_missing"),
])
def test_another_name_is_cut(start, raw, sni, reason):
    proxy, server = start(TLS), raw(echo)
    is_cut(proxy, server, TARGET, hello.hello(sni), reason)


@pytest.mark.covers("T4")
def test_two_names_are_cut(start, raw):
    proxy, server = start(TLS), raw(echo)
    both = hello.extension(0, hello.vector16(
        b"".join(b"\0" + hello.vector16(n) for n in (NAME.encode(), b"denied.example.net"))))
    client = proxy.tunnel(TARGET)
    client.send(hello.hello(None, extra=both))
    client.cut()
    assert proxy.record.wait(event="close")["verdict"] == "deny"
    assert server.contact().received == b""


@pytest.mark.covers("T4")
def test_two_server_name_extensions_are_cut(start, raw):
    proxy, server = start(TLS), raw(echo)
    client = proxy.tunnel(TARGET)
    client.send(hello.hello(NAME, extra=hello.server_name("denied.example.net")))
    client.cut()
    assert proxy.record.wait(event="close")["verdict"] == "deny"
    assert server.contact().received == b""


@pytest.mark.covers("T5")
@pytest.mark.parametrize("sent", [
    b"SSH-2.0-OpenSSH_9.2\r\n", b"GET / HTTP/1.1\r\nHost: tls.example.com\r\n\r\n", b"\0",
    b"\x16\x10",
    b"\x15\x03\x01\x00\x02\x02\x28", b"\x17\x03\x03\x00\x05hello", b"\x80\x2e\x01\x03\x01",
], ids=repr)
def test_what_is_not_tls_is_cut(start, raw, sent):
    proxy, server = start(TLS), raw(echo)
    is_cut(proxy, server, TARGET, sent, "not_tls", alert=False)


def test_a_hello_split_over_many_records(start, raw):
    proxy, server = start(TLS), raw(echo)
    message = hello.client_hello(NAME)
    passes(proxy, server, TARGET, hello.records(message, size=3))


@pytest.mark.covers("T1", "T4")
def test_a_mismatch_split_over_many_records(start, raw):
    proxy, server = start(TLS), raw(echo)
    message = hello.client_hello("denied.example.net")
    is_cut(proxy, server, TARGET, hello.records(message, size=3), "sni_mismatch")


def test_a_hello_in_one_byte_segments(start, raw):
    proxy, server = start(TLS), raw(echo)
    sent = hello.hello(NAME)
    passes(proxy, server, TARGET, sent, pieces=[sent[i:i + 1] for i in range(len(sent))])


def test_a_large_hello_passes(start, raw):
    proxy, server = start(TLS), raw(echo)
    sent = hello.hello(NAME, padding=60_000)
    assert 60_000 < len(sent) < 65_536
    passes(proxy, server, TARGET, sent)


@pytest.mark.covers("T4")
def test_a_hello_beyond_64_kib_is_cut(start, raw):
    proxy, server = start(TLS), raw(echo)
    sent = hello.records(hello.client_hello(NAME, padding=65_000), size=100)
    assert len(sent) > 65_536
    client = proxy.tunnel(TARGET)
    client.send(sent)
    client.cut()
    assert proxy.record.wait(event="close")["verdict"] == "deny"
    assert server.contact().received == b""


def test_a_hello_that_never_ends_is_timed_out(start, raw):
    proxy = start(TLS, config={"timeouts": {"hello": "1s"}})
    server = raw(echo)
    client = proxy.tunnel(TARGET)
    before = time.monotonic()
    for byte in hello.hello(NAME)[:12]:
        client.send(bytes([byte]))
        time.sleep(0.05)
    client.cut()
    assert 0.5 < time.monotonic() - before < 8
    closed = proxy.record.wait(event="close")
    assert closed["reason"] == "head_timeout"
    assert server.contact().received == b""


def test_the_server_waits_for_the_judgement_too(start, raw):
    """In limited a server that speaks first is not heard before the hello is judged."""
    proxy = start(TLS)
    raw(greet(b"220 hello\r\n"))
    client = proxy.tunnel(TARGET)
    assert client.quiet(0.5)
    client.send(b"EHLO x\r\n")
    assert b"220" not in client.cut()


@pytest.mark.covers("T3")
def test_ech_is_logged_and_judged_by_the_outer_name(start, raw):
    proxy, server = start(TLS), raw(echo)
    closed = passes(proxy, server, TARGET, hello.hello(NAME, ech=True))
    assert closed["ech"] is True and closed["sni"] == NAME


@pytest.mark.covers("T3")
def test_ech_with_a_wrong_outer_name_is_cut(start, raw):
    proxy, server = start(TLS), raw(echo)
    closed = is_cut(proxy, server, TARGET, hello.hello("denied.example.net", ech=True),
                    "sni_mismatch")
    assert closed["ech"] is True


@pytest.mark.covers("T3")
def test_ech_can_be_refused(start, raw):
    proxy, server = start(TLS, config={"ech": "refuse"}), raw(echo)
    client = proxy.tunnel(TARGET)
    client.send(hello.hello(NAME, ech=True))
    assert hello.is_access_denied(client.cut())
    assert proxy.record.wait(event="close")["verdict"] == "deny"
    assert server.contact().received == b""


def test_an_allowed_address_needs_no_name(start, raw):
    proxy, server = start(limited(net.RAW)), raw(echo)
    passes(proxy, server, f"{net.RAW}:443", hello.hello(None))


def test_an_allowed_address_with_a_foreign_name_is_cut(start, raw):
    proxy, server = start(limited(net.RAW, "tls.example.com")), raw(echo)
    is_cut(proxy, server, f"{net.RAW}:443", hello.hello("denied.example.net"), "host_not_allowed")


def test_an_allowed_address_with_an_allowed_name_passes(start, raw):
    proxy, server = start(limited(net.RAW, "tls.example.com")), raw(echo)
    passes(proxy, server, f"{net.RAW}:443", hello.hello(NAME))


def test_port_80_is_opaque_but_for_a_leading_hello(start, raw):
    proxy, server = start(TLS), raw(echo, port=80)
    passes(proxy, server, f"{NAME}:80", b"anything at all")


def test_a_foreign_hello_on_port_80_is_cut(start, raw):
    proxy, server = start(TLS), raw(absorb, port=80)
    is_cut(proxy, server, f"{NAME}:80", hello.hello("denied.example.net"), "sni_mismatch")


def test_operator_tls_ports_are_tls_ports(start, raw):
    proxy = start(TLS, config={"tls_ports": [8443],
                               "operator": {"ports": {"limited": [443, 80, 8443]}}})
    server = raw(echo, port=8443)
    is_cut(proxy, server, f"{NAME}:8443", b"plain", "not_tls", alert=False)


@pytest.mark.parametrize("sent", [hello.hello("denied.example.net"), hello.hello(None),
                                  b"SSH-2.0\r\n"],
                         ids=["mismatch", "missing", "ssh"])
def test_report_lets_pass_and_writes_down(start, raw, sent):
    proxy, server = start(TLS, config={"tls_names": "report"}), raw(echo)
    closed = passes(proxy, server, TARGET, sent)
    assert closed["verdict"] == "allow" and closed["report_only"] is True
    assert closed["reason"] in ("sni_mismatch", "sni_missing", "not_tls")


@pytest.mark.parametrize("sent", [hello.hello("denied.example.net"), b"SSH-2.0\r\n"],
                         ids=["mismatch", "ssh"])
def test_off_lets_everything_pass(start, raw, sent):
    proxy, server = start(TLS, config={"tls_names": "off"}), raw(echo)
    closed = passes(proxy, server, TARGET, sent)
    assert closed["verdict"] == "allow" and "report_only" not in closed


# unrestricted

@pytest.mark.parametrize("sent", [
    hello.hello(NAME), hello.hello("denied.example.net"), hello.hello(None), b"SSH-2.0-x\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
], ids=["match", "other", "none", "ssh", "http"])
@pytest.mark.parametrize("port", [443, 80, 7000])
def test_unrestricted_lets_names_and_other_protocols_pass(start, raw, sent, port):
    proxy, server = start(unrestricted()), raw(echo, port=port)
    passes(proxy, server, f"{NAME}:{port}", sent)


@pytest.mark.parametrize("sni, reason", [
    ("metadata.google.internal", "metadata_service"),
    ("hidden.onion", "special_use_name"),
    ("bad.example.net", "operator_deny"),
])
@pytest.mark.parametrize("port", [443, 7000])
def test_unrestricted_cuts_a_name_that_is_refused_by_itself(start, raw, sni, reason, port):
    proxy = start(unrestricted(), config={"operator": {"deny": ["bad.example.net"]}})
    server = raw(absorb, port=port)
    is_cut(proxy, server, f"{NAME}:{port}", hello.hello(sni), reason)


@pytest.mark.parametrize("port", [443, 7000])
def test_a_server_that_speaks_first_is_heard(start, raw, port):
    proxy = start(unrestricted())
    raw(greet(b"SSH-2.0-OpenSSH_9.2\r\n"), port=port)
    client = proxy.tunnel(f"{NAME}:{port}")
    before = time.monotonic()
    assert client.read_until(b"\n") == b"SSH-2.0-OpenSSH_9.2\r\n"
    assert time.monotonic() - before < 8, "before the clock for a hello"
    client.send(b"SSH-2.0-client\r\n")
    assert client.read_until(b"\n") == b"SSH-2.0-client\r\n"


def test_a_half_closed_client_without_a_byte_still_hears_the_server(start, raw):
    proxy = start(unrestricted())
    raw(lambda c: (c.read_all(), c.sock.sendall(b"after your end")))
    client = proxy.tunnel(TARGET)
    client.half_close()
    assert client.read_all() == b"after your end"


def test_a_client_that_ends_before_its_hello(start, raw):
    proxy, server = start(TLS), raw(absorb)
    client = proxy.tunnel(TARGET)
    client.send(hello.hello(NAME)[:20])
    client.close()
    proxy.record.wait(event="close")
    wire.wait_for(lambda: server.contact().ended or server.contact().reset)
    assert server.contact().received == b""
