"""Forwarded http:// requests, as client and origin see them: sluice(8), WHAT A CLIENT SEES."""

import hashlib

import pytest

from lib import net, refusal, wire
from lib.origin import PATTERN, pattern
from lib.sluice import limited

pytestmark = pytest.mark.usefixtures("workers")

WEB = limited("www.example.com", "api.example.com", "raw.example.com", "*.example.org")


def fields_of(answer):
    return {name: value for name, value in answer.json()["fields"]}


def test_one_request(start, origin):
    proxy = start(WEB)
    answer = proxy.ask("http://www.example.com/echo/a%20b?q=%7e&x=1")
    assert answer.status == 200
    assert answer.json()["path"] == "/echo/a%20b?q=%7e&x=1"
    assert fields_of(answer)["via"] == "1.1 sluice"
    assert "sluice" in answer.get("via")
    opened = proxy.record.wait(event="open")
    closed = proxy.record.wait(event="close")
    assert opened["id"] == closed["id"] and opened["path"] == "/echo/a%20b"
    assert closed["status"] == 200 and closed["bytes_down"] > 0
    assert opened["method"] == "GET" and opened["address"] == net.ORIGIN


def test_several_requests_on_one_connection(start):
    proxy = start(WEB)
    client = proxy.dial()
    for i in range(5):
        host = ("www.example.com", "api.example.com", "a.example.org")[i % 3]
        client.send(wire.request(f"http://{host}/echo/{i}"))
        answer = client.response()
        assert answer.status == 200 and answer.get("connection", "keep-alive") == "keep-alive"
        assert answer.json()["path"] == f"/echo/{i}" and fields_of(answer)["host"] == host
    assert len({line["id"] for line in proxy.record.wait_count(5, event="close")}) == 5


def test_pipelined_requests_are_answered_in_order(start):
    proxy = start(WEB)
    client = proxy.dial()
    client.send(wire.request("http://www.example.com/slow/300")
                + wire.request("http://api.example.com/echo/1", "POST", body=b"one")
                + wire.request("http://www.example.com/bytes/100000")
                + wire.request("http://a.example.org/echo/3"))
    assert client.response().body == b"slow\n"
    assert client.response().json()["sha256"] == hashlib.sha256(b"one").hexdigest()
    assert client.response().body == pattern(100000)
    assert client.response().json()["path"] == "/echo/3"


@pytest.mark.covers("H13")
def test_every_request_is_decided_anew(start, origin):
    proxy = start(WEB)
    client = proxy.dial()
    contacts = len(origin.contacts)
    client.send(wire.request("http://www.example.com/echo")
                + wire.request("http://denied.example.net/echo")
                + wire.request("http://www.example.com/echo/after"))
    assert client.response().status == 200
    refusal.check(client.response(), 403, "host_not_allowed", "denied.example.net")
    assert client.ended(), "nothing may follow a refusal"
    assert len(origin.contacts) == contacts + 1
    proxy.record.wait(event="deny", host="denied.example.net", method="GET")


def test_a_connect_after_requests_on_the_same_connection(start):
    proxy = start(WEB)
    client = proxy.dial()
    client.send(wire.request("http://www.example.com/echo"))
    assert client.response().status == 200
    client.send(wire.connect_head("denied.example.net:443"))
    refusal.check(client.response(), 403, "host_not_allowed", "denied.example.net")


@pytest.mark.covers("H4", "B14")
@pytest.mark.parametrize("url, host", [
    ("http://www.example.com/echo", "www.example.com"),
    ("http://WWW.Example.COM./echo", "www.example.com"),
    ("http://www.example.com:80/echo", "www.example.com"),
    ("HTTP://www.example.com/echo", "www.example.com"),
])
def test_host_is_rebuilt_from_the_target(start, url, host):
    proxy = start(WEB)
    answer = proxy.ask(url, host="denied.example.net")
    assert fields_of(answer)["host"] == host


@pytest.mark.covers("H12")
def test_hop_by_hop_fields_stay_here(start):
    proxy = start(WEB)
    answer = proxy.ask("http://www.example.com/echo", fields=[
        "Connection: close, X-Private, Cookie2", "X-Private: 1", "Cookie2: 2",
        "Keep-Alive: timeout=5", "TE: trailers", "Upgrade: websocket", "Trailer: X-Sum",
        "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic c2VjcmV0", "Proxy-Other: 1",
        "X-Public: stays", "Accept: */*", "X-Public: twice", "Authorization: Bearer kept",
    ])
    seen = [name for name, _ in answer.json()["fields"]]
    for name in ("x-private", "cookie2", "keep-alive", "te", "upgrade", "trailer",
                 "proxy-connection", "proxy-authorization", "proxy-other"):
        assert name not in seen
    assert seen.count("x-public") == 2
    assert fields_of(answer)["accept"] == "*/*"
    assert fields_of(answer)["authorization"] == "Bearer kept"


@pytest.mark.covers("H12")
@pytest.mark.parametrize("option", ["Host", "Via", "Content-Length", "Connection", "close"])
def test_naming_a_vital_field_in_connection_does_no_harm(start, option):
    proxy = start(WEB)
    answer = proxy.ask("http://www.example.com/echo", method="POST", body=b"12345",
                       fields=[f"Connection: {option}"])
    assert answer.status == 200
    assert answer.json()["length"] == 5 and fields_of(answer)["host"] == "www.example.com"


def chunked(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


def test_chunked_bodies_both_ways(start):
    proxy = start(WEB)
    client = proxy.dial()
    head = ("POST http://www.example.com/echo HTTP/1.1\r\nHost: www.example.com\r\n"
            "Transfer-Encoding: chunked\r\n\r\n").encode()
    body = [PATTERN[:1], PATTERN[:70000], PATTERN[7:3000]]
    client.send(head + chunked(*body))
    answer = client.response().json()
    assert answer["sha256"] == hashlib.sha256(b"".join(body)).hexdigest()
    assert ["transfer-encoding", "chunked"] in answer["fields"]
    client.send(wire.request("http://www.example.com/chunked/200"))
    answer = client.response()
    assert answer.body == PATTERN[:1000] * 200 and answer.all("trailer") == []


@pytest.mark.covers("H8")
@pytest.mark.parametrize("body", [
    b"5\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"-1\r\n", b"5 \r\nhello",
    b"fffffffffffffffff\r\n", b"5\r\nhelloX\r\n0\r\n\r\n", b"5;\x00\r\nhello\r\n0\r\n\r\n",
    b"\r\n", b"5;" + b"x" * 3000 + b"\r\nhello\r\n0\r\n\r\n",
])
def test_malformed_chunks_end_the_request(start, raw, body):
    server = raw(lambda c: c.read_all(), port=80)
    proxy = start(WEB)
    client = proxy.dial()
    client.send(b"POST http://raw.example.com/ HTTP/1.1\r\nHost: raw.example.com\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n" + body)
    answer = client.cut()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    if server.contacts:
        wire.wait_for(lambda: server.contact().ended or server.contact().reset)
        assert not server.contact().received.endswith(b"0\r\n\r\n")


def test_continue_is_relayed(start):
    proxy = start(WEB)
    client = proxy.dial()
    client.send(wire.request("http://www.example.com/echo", "PUT",
                             fields=["Content-Length: 5", "Expect: 100-continue"]))
    assert client.response().status == 100
    client.send(b"hello")
    assert client.response().json()["length"] == 5


def test_interim_responses_are_relayed(start, raw):
    raw(lambda c: (c.read_until(b"\r\n\r\n"), c.sock.sendall(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")), port=80)
    proxy = start(WEB)
    client = proxy.dial()
    client.send(wire.request("http://raw.example.com/"))
    early = client.response()
    assert early.status == 103 and early.get("link") == "</a.css>"
    assert client.response().body == b"ok"


@pytest.mark.covers("H15")
def test_another_expectation_is_a_417(start):
    proxy = start(WEB)
    answer = proxy.ask("http://www.example.com/echo", fields=["Expect: 200-ok"])
    refusal.check(answer, 417, "bad_request")


def test_head_and_bodyless_answers_keep_the_connection(start):
    proxy = start(WEB)
    client = proxy.dial()
    client.send(wire.request("http://www.example.com/bytes/5000", "HEAD"))
    answer = client.response("HEAD")
    assert answer.status == 200 and answer.get("content-length") == "5000"
    for status in (204, 304):
        client.send(wire.request(f"http://www.example.com/status/{status}"))
        answer = client.response()
        assert answer.status == status and answer.get("etag") == '"e2e"'
    client.send(wire.request("http://www.example.com/echo"))
    assert client.response().status == 200


@pytest.mark.parametrize("status", [200, 301, 401, 403, 404, 500, 503])
def test_the_status_of_the_origin_is_its_own(start, status):
    proxy = start(WEB)
    answer = proxy.ask(f"http://www.example.com/status/{status}")
    assert answer.status == status and answer.body == b"status\n"
    assert answer.get("x-deny-reason") is None and answer.get("proxy-status") is None


def test_a_client_of_http_1_0(start):
    proxy = start(WEB)
    client = proxy.dial()
    client.send(b"GET http://www.example.com/chunked/3 HTTP/1.0\r\n\r\n")
    answer = client.response()
    assert answer.get("transfer-encoding") is None
    assert answer.body == PATTERN[:1000] * 3 and client.ended()


def test_a_request_byte_by_byte(start):
    proxy = start(WEB)
    client = proxy.dial()
    for byte in wire.request("http://www.example.com/echo", "POST", body=b"slowly"):
        client.send(bytes([byte]))
    assert client.response().json()["length"] == 6


def test_a_big_upload_and_a_big_download(start):
    proxy = start(WEB)
    body = pattern(20_000_000)
    answer = proxy.ask("http://www.example.com/echo", method="PUT", body=body)
    assert answer.json()["sha256"] == hashlib.sha256(body).hexdigest()
    answer = proxy.ask("http://www.example.com/bytes/20000000")
    assert answer.body == body
    closed = proxy.record.wait(event="close", path="/echo")
    assert closed["bytes_up"] >= len(body)
    assert proxy.record.wait(event="close", path="/bytes/20000000")["bytes_down"] >= len(body)


def test_the_open_line_comes_before_the_request_goes_upstream(start, raw):
    seen = []
    proxy = start(WEB)

    def script(contact):
        contact.read_until(b"\r\n\r\n")
        seen.append(proxy.record.lines(event="open", host="raw.example.com"))
        contact.sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    raw(script, port=80)
    assert proxy.ask("http://raw.example.com/").status == 204
    assert len(seen) == 1 and len(seen[0]) == 1


def test_options_for_the_server_itself(start, origin):
    proxy = start(WEB)
    proxy.ask("http://www.example.com", method="OPTIONS")
    assert origin.requests[-1].path == "*"


@pytest.mark.covers("H14")
def test_no_raw_pipe_through_an_upgrade(start, raw):
    server = raw(lambda c: (c.read_until(b"\r\n\r\n"), c.sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
        b"frame of the server"), c.read_all()), port=80)
    proxy = start(WEB)
    client = proxy.dial()
    client.send(wire.request("http://raw.example.com/", fields=[
        "Connection: upgrade", "Upgrade: websocket"]) + b"frames")
    answer = client.response()
    assert answer.status == 502 and b"frame" not in answer.body
    assert b"upgrade" not in server.contact().received.lower()
