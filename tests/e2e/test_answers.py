"""What a client reads when it is refused: sluice(8), WHAT A CLIENT SEES."""

import hashlib
import time

import pytest

from lib import hello, net, refusal, wire
from lib.dns import NXDOMAIN, REFUSED, SERVFAIL, Answer, ScriptedDns
from lib.raw import FullServer
from lib.sluice import limited, unrestricted

pytestmark = pytest.mark.usefixtures("workers")

BODY = 'sluice: denied.example.net is not in allowed_hosts of environment "data-analysis"\n'
HEAD = (
    "HTTP/1.1 403 Forbidden: host_not_allowed denied.example.net\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Deny-Reason: host_not_allowed\r\n"
    "X-Proxy-Error: blocked-by-allowlist\r\n"
    'Proxy-Status: sluice; error=http_request_denied; details="host_not_allowed"\r\n'
    f"Content-Length: {len(BODY)}\r\n"
    "Connection: close\r\n"
    "\r\n"
)
ANALYSIS = limited("www.example.com", "*.barrier.example.com", name="data-analysis")


def test_a_denied_connect_is_this_exact_answer(start, refused_quietly):
    proxy = start(ANALYSIS)

    def ask():
        client = proxy.dial()
        client.send(wire.connect_head("denied.example.net:443"))
        return client.read_all()

    assert refused_quietly(proxy, ask).decode() == HEAD + BODY
    line = proxy.record.wait(event="deny", host="denied.example.net")
    assert (line["verdict"], line["reason"]) == ("deny", "host_not_allowed")
    assert (line["method"], line["port"], line["environment"]) == ("CONNECT", 443, "data-analysis")


def test_a_denied_http_request_is_the_same_answer(start, refused_quietly):
    proxy = start(ANALYSIS)

    def ask():
        client = proxy.dial()
        client.send(wire.request("http://denied.example.net/path?token=1"))
        return client.read_all()

    assert refused_quietly(proxy, ask).decode() == HEAD + BODY


def test_a_denial_comes_at_once(start):
    proxy = start(ANALYSIS)
    before = time.monotonic()
    for _ in range(20):
        refusal.check(proxy.refusal("denied.example.net:443"), 403, "host_not_allowed",
                      "denied.example.net")
    assert time.monotonic() - before < 20


@pytest.mark.covers("B3", "B4")
@pytest.mark.parametrize("target, reason, host", [
    ("www.example.com:22", "port_not_allowed", "www.example.com"),
    ("WWW.Example.COM.:8443", "port_not_allowed", "www.example.com"),
    ("WWW.EXAMPLE.NET:443", "host_not_allowed", "www.example.net"),
    ("www.example.com:25", "blocked_port", "www.example.com"),
    ("www.example.com:53", "blocked_port", "www.example.com"),
    ("localhost:443", "special_use_name", "localhost"),
    ("printer:443", "special_use_name", "printer"),
    ("169.254.169.254:80", "metadata_service", "169.254.169.254"),
    ("10.0.0.5:443", "address_not_allowed", "10.0.0.5"),
    ("[::1]:443", "address_not_allowed", "::1"),
])
def test_each_denial_names_its_reason_and_the_host(start, target, reason, host):
    proxy = start(ANALYSIS)
    answer = proxy.refusal(target)
    refusal.check(answer, 403, reason)
    assert answer.phrase.endswith(f" {host}")
    assert proxy.record.wait(reason=reason)["event"] == "deny"


@pytest.fixture(scope="module")
def plain(start_shared):
    return start_shared(limited("www.example.com"))


@pytest.mark.covers("H3", "H5", "H6", "H7", "H10", "H15", "H16", "H17", "H18")
@pytest.mark.parametrize("sent, status, reason, says", [
    (b"GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n", 400, "bad_target", b"proxy"),
    (b"GET https://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n", 400, "bad_target",
     b"CONNECT"),
    (b"GET ftp://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n", 400, "bad_target",
     b"http://"),
    (b"GET http://www.example.com/\r\n\r\n", 400, "bad_request", b"HTTP/1.1"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request", b"HTTP/2"),
    (hello.hello("www.example.com"), 400, "bad_request", b"TLS"),
    (b"\x05\x01\x00", 400, "bad_request", b"SOCKS"),
    (b"\x04\x01\x01\xbb\x5d\xb8\xd7\x0a\x00", 400, "bad_request", b"SOCKS"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", 400, "bad_request", b"sluice: "),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 400, "bad_request", b"sluice: "),
    (b"\r\n\r\n", 400, "bad_request", b"sluice: "),
    (b"\x00\x00\x00\x00", 400, "bad_request", b"sluice: "),
    (b"CONNECT www.example.com:443 HTTP/1.1\r\n\r\n", 400, "bad_request", b"Host"),
    (b"CONNECT www.example.com:443 HTTP/1.1\r\nHost: a.example.com\r\nHost: b.example.com\r\n\r\n",
     400, "bad_request", b"Host"),
    (b"CONNECT www.example.com:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 400,
     "bad_request", b"body"),
    (b"CONNECT www.example.com:443 HTTP/1.1\nHost: a\n\n", 400, "bad_request", b"CRLF"),
    (b"GET http://www.example.com/ HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", 400,
     "bad_request", b"fold"),
    (b"POST http://www.example.com/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_request", b"Content-Length"),
    (b"POST http://www.example.com/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
     b"Content-Length: 6\r\n\r\nhello", 400, "bad_request", b"Content-Length"),
    (b"POST http://www.example.com/ HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 400,
     "bad_request", b"Content-Length"),
    (b"POST http://www.example.com/ HTTP/1.1\r\nHost: a\r\n"
     b"Transfer-Encoding: chunked, gzip\r\n\r\n", 400, "bad_request", b"chunked"),
    (b"POST http://www.example.com/ HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n", 417,
     "bad_request", b"100-continue"),
    (b"GET http://www.example.com/ HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", 400, "bad_request",
     b"field"),
    (b"GET http://www.example.com/ HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 120 + b"\r\n", 431,
     "bad_request", b"fields"),
    (b"GET http://www.example.com/ HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40000, 431,
     "bad_request", b"large"),
])
def test_what_is_no_proxy_request_is_refused_cleanly(plain, origin, sent, status, reason, says):
    contacts = len(origin.contacts)
    client = plain.dial()
    client.send(sent)
    answer = client.response()
    client.close()
    assert says in refusal.check(answer, status, reason).body
    assert origin.contacts[contacts:] == []


@pytest.mark.covers("H1")
def test_an_upload_of_8_mb_still_sees_its_403(start):
    proxy = start(ANALYSIS)
    client = proxy.dial()
    body = bytes(8_000_000)
    client.send(wire.request("http://denied.example.net/up", "POST",
                             fields=[f"Content-Length: {len(body)}"]))
    for at in range(0, len(body), 1 << 16):
        client.send(body[at:at + (1 << 16)])
    client.half_close()
    assert client.read_all().decode() == HEAD + BODY


@pytest.mark.covers("H1")
def test_a_hello_right_behind_a_refused_connect_does_not_hide_the_403(start):
    proxy = start(ANALYSIS)
    client = proxy.dial()
    client.send(wire.connect_head("denied.example.net:443") + hello.hello("denied.example.net"))
    time.sleep(0.1)
    client.send(b"x" * 5000)
    assert client.read_all().decode() == HEAD + BODY


@pytest.mark.covers("H1")
@pytest.mark.parametrize("later", [
    wire.connect_head("www.example.com:443"),
    wire.request("http://www.example.com/echo"),
], ids=["connect", "http"])
def test_nothing_behind_a_refusal_is_read_as_a_request(start, refused_quietly, later):
    proxy = start(ANALYSIS)

    def ask():
        client = proxy.dial()
        client.send(wire.connect_head("denied.example.net:443") + later)
        time.sleep(0.1)
        client.send(later)
        return client.read_all()

    assert refused_quietly(proxy, ask).decode() == HEAD + BODY
    assert proxy.record.lines(host="www.example.com") == []


@pytest.mark.covers("H1")
def test_after_a_bad_request_nothing_is_read_either(start, refused_quietly):
    proxy = start(ANALYSIS)

    def ask():
        client = proxy.dial()
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + wire.connect_head("www.example.com:443"))
        return client.read_all()

    assert refused_quietly(proxy, ask).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("name, status, reason", [
    ("missing.example.com", 502, "name_not_found"),
    ("nobody.example.com", 502, "connect_refused"),
    ("nowhere.example.com", 502, "connect_failed"),
])
def test_what_cannot_be_reached_is_a_502(start, name, status, reason):
    proxy = start(limited("*.example.com"))
    refusal.check(proxy.refusal(f"{name}:443"), status, reason, name)
    refusal.check(proxy.ask(f"http://{name}/"), status, reason, name)
    for line in proxy.record.wait_count(2, event="fail", host=name):
        assert line["reason"] == reason


@pytest.mark.covers("A11")
@pytest.mark.parametrize("answer, status, reason", [
    (Answer(code=NXDOMAIN), 502, "name_not_found"),
    (Answer(), 502, "name_not_found"),
    (Answer(code=SERVFAIL), 502, "dns_failure"),
    (Answer(code=REFUSED), 502, "dns_failure"),
    (Answer(raw=b"\x81"), 504, "dns_timeout"),
    (Answer(silent=True), 504, "dns_timeout"),
], ids=["nxdomain", "empty", "servfail", "refused", "torn", "silent"])
def test_failures_of_dns_have_their_own_words(start, answer, status, reason):
    server = ScriptedDns(lambda name, kind, nth: answer)
    proxy = start(limited("www.example.com"), resolver=server.server,
                  config={"timeouts": {"resolve": "1s"}, "resolver": {"timeout": "1s"}})
    before = time.monotonic()
    refusal.check(proxy.refusal("www.example.com:443"), status, reason, "www.example.com")
    assert time.monotonic() - before < 4.5, "its own clock, not that of the defaults"
    server.stop()


def test_a_silent_server_is_a_504(start):
    full = FullServer(net.SILENT, 443)
    proxy = start(limited("silent.example.com"), config={"timeouts": {"connect": "1s"}})
    before = time.monotonic()
    refusal.check(proxy.refusal("silent.example.com:443"), 504, "connect_timeout",
                  "silent.example.com")
    assert 0.8 < time.monotonic() - before < 8
    full.stop()


@pytest.mark.covers("H2")
def test_early_bytes_of_an_allowed_connect_arrive_once(start, raw):
    server = raw(lambda c: (c.read_all(), c.sock.sendall(hashlib.sha256(c.received).digest())),
                 port=7000)
    proxy = start(unrestricted())
    early = bytes(range(256)) * 100
    client, answer = proxy.connect("raw.example.com:7000", after=early)
    assert answer.status == 200
    client.send(b"tail").half_close()
    assert client.read_all() == hashlib.sha256(early + b"tail").digest()
    assert server.contact().received == early + b"tail"


def test_connect_of_http_1_0_needs_no_host(start):
    proxy = start(limited("www.example.com"))
    client, answer = proxy.connect("www.example.com:443", version="1.0")
    assert answer.status == 200
    client.close()
    refusal.check(proxy.refusal("denied.example.net:443", version="1.0"), 403, "host_not_allowed",
                  "denied.example.net")
