"""Each line of the record is about one request and holds nothing of another: sluice(8), RECORD.

Ids are unique, and a target that is no target is written down without what may be secret:
neither the bytes of fields, nor what stands before its last '@'.
"""

import pytest

from lib import wire
from lib.sluice import limited

pytestmark = pytest.mark.usefixtures("workers")

ALLOWED = limited("www.example.com")
URL = "http://www.example.com/bytes/3"
SHORT = {"timeouts": {"head": "1s"}}


def after_a_request(proxy):
    """A kept connection whose first request was answered."""
    client = proxy.dial()
    client.send(wire.request(URL))
    assert client.response().status == 200
    return client


def test_heads_that_never_end_have_ids_of_their_own(start):
    proxy = start(ALLOWED, config=SHORT)
    held = [proxy.dial().send(b"GET ") for _ in range(3)]
    lines = proxy.record.wait_count(3, reason="head_timeout")
    assert len({line["id"] for line in lines}) == len(held)


def test_a_second_head_that_never_ends_is_not_the_first_request(start):
    proxy = start(ALLOWED, config=SHORT)
    client = after_a_request(proxy)
    client.send(b"GET ")
    denied = proxy.record.wait(reason="head_timeout")
    opened = proxy.record.wait(event="open")
    assert denied["id"] != opened["id"]
    for key in ("host", "port", "address", "method"):
        assert key not in denied


def test_every_request_of_a_connection_has_an_id(start):
    proxy = start(ALLOWED)
    client = after_a_request(proxy)
    for _ in range(2):
        client.send(wire.request(URL))
        assert client.response().status == 200
    client.send(wire.request("http://denied.example.net/"))
    assert client.response().status == 403
    client.close()
    opened = [line["id"] for line in proxy.record.wait_count(3, event="open")]
    closed = [line["id"] for line in proxy.record.wait_count(3, event="close")]
    denied = proxy.record.wait(event="deny")["id"]
    assert opened == closed and len({*opened, denied}) == 4


@pytest.mark.parametrize("target, written", [
    ("evil.test:1/@good.example.com:443", "@good.example.com:443"),
    ("user:secret@www.example.com:443", "@www.example.com:443"),
    ("secret@secret@www.example.com:443", "@www.example.com:443"),
    ("secret@", "@"),
    ("www.example.com:x?key=secret", "www.example.com:x"),
    ("www.example.com:99999", "www.example.com:99999"),
])
def test_a_bad_target_is_written_without_what_may_be_secret(start, target, written):
    proxy = start(ALLOWED)
    client = after_a_request(proxy)
    client.send(wire.connect_head(target, fields=["Authorization: Bearer hidden"]))
    assert client.response().status == 400
    line = proxy.record.wait(reason="bad_target")
    assert line["target"] == written
    assert "port" not in line and "host" not in line
    for word in (b"secret", b"hidden"):
        assert word not in proxy.record.text()
