"""Reload judges live tunnels again; a broken one changes nothing: sluice(8), SIGNALS AND RELOAD."""

import re
import signal
import time

import pytest

from lib import hello, refusal, wire
from lib.raw import echo
from lib.sluice import limited, refuse_to_start, unrestricted

pytestmark = pytest.mark.usefixtures("workers")

BOTH = limited("raw.example.com", "tls.example.com")
BROKEN = """\
name: e2e
config:
  type: cloud
  networking:
    type: limited
    allowed_host: [raw.example.com]
"""


def tunnels(proxy, raw, count=8):
    """count working tunnels to port 80, spread over the workers as chance has it."""
    raw(echo, port=80)
    made = [proxy.tunnel("raw.example.com:80") for _ in range(count)]
    for client in made:
        assert works(client)
    return made


def works(client):
    client.send(b"ping")
    return client.read(4) == b"ping"


def reloaded(proxy, target, status):
    """Wait until a target is answered like this, by whichever worker: often in a row."""
    wire.wait_for(lambda: all(proxy.refusal(target).status == status for _ in range(16)),
                  message=f"{status} for {target}")


@pytest.mark.covers("P2")
def test_what_is_still_allowed_goes_on(start, raw):
    proxy = start(BOTH)
    live = tunnels(proxy, raw)
    proxy.rewrite(limited("raw.example.com", "www.example.com"))
    reloaded(proxy, "www.example.com:443", 200)
    reloaded(proxy, "tls.example.com:443", 403)
    for client in live:
        assert works(client)
    assert not proxy.record.lines(event="close", reason="policy_changed")


def test_what_is_now_denied_is_cut_and_logged_with_the_rule(start, raw):
    proxy = start(unrestricted())
    live = tunnels(proxy, raw)
    proxy.config["operator"] = {"deny": ["raw.example.com"]}
    proxy.write_config()
    proxy.signal(signal.SIGHUP)
    for client in live:
        assert client.cut() == b""
    for line in proxy.record.wait_count(len(live), event="close", reason="policy_changed"):
        assert line["verdict"] == "deny" and line["host"] == "raw.example.com"
        assert line["rule"]["file"].endswith("sluice.yaml") and line["rule"]["line"] > 1
        assert line["rule"]["entry"] == "raw.example.com"
        assert line["bytes_up"] == 4
    refusal.check(proxy.refusal("raw.example.com:80"), 403, "operator_deny", "raw.example.com")


def test_a_host_that_left_the_environment_is_cut(start, raw):
    proxy = start(BOTH)
    live = tunnels(proxy, raw)
    proxy.rewrite(limited("tls.example.com"))
    for client in live:
        client.cut()
    assert len(proxy.record.wait_count(len(live), event="close", reason="policy_changed")) == 8


@pytest.mark.covers("P2")
def test_a_tunnel_under_load_is_cut_too(start, raw):
    raw(lambda c: [c.sock.sendall(b"x" * 65536) for _ in range(100_000)], port=80)
    proxy = start(BOTH)
    client = proxy.tunnel("raw.example.com:80")
    client.read(1 << 20)
    proxy.rewrite(limited("tls.example.com"))
    deadline = time.monotonic() + wire.TIMEOUT
    try:
        while client.read_some():
            assert time.monotonic() < deadline
    except ConnectionResetError:
        pass
    proxy.record.wait(event="close", reason="policy_changed")


def test_a_tunnel_that_waits_for_its_hello_is_cut_too(start, raw):
    server = raw(echo)
    proxy = start(BOTH)
    client = proxy.tunnel("tls.example.com:443")
    client.send(hello.hello("tls.example.com")[:50])
    proxy.rewrite(limited("raw.example.com"))
    client.cut()
    proxy.record.wait(event="close", reason="policy_changed", host="tls.example.com")
    assert server.contact().received == b""


def test_an_sni_that_is_now_denied_is_cut(start, raw):
    """unrestricted: the name inside the tunnel was judged by itself, and is again."""
    raw(echo)
    proxy = start(unrestricted())
    client = proxy.tunnel("tls.example.com:443")
    sent = hello.hello("inner.example.net")
    client.send(sent)
    assert client.read(len(sent)) == sent
    proxy.config["operator"] = {"deny": ["inner.example.net"]}
    proxy.write_config()
    proxy.signal(signal.SIGHUP)
    client.cut()
    proxy.record.wait(event="close", reason="policy_changed")


def test_a_kept_http_connection_is_under_the_new_policy(start):
    proxy = start(limited("www.example.com", "api.example.com"))
    client = proxy.dial()
    client.send(wire.request("http://www.example.com/echo"))
    assert client.response().status == 200
    proxy.rewrite(limited("api.example.com"))
    reloaded(proxy, "www.example.com:443", 403)
    client.send(wire.request("http://www.example.com/echo"))
    refusal.check(client.response(), 403, "host_not_allowed", "www.example.com")


def test_a_reload_refills_nothing_that_was_idle(start, raw):
    """A hundred reloads in a row leave one policy, no leak and live tunnels."""
    proxy = start(BOTH)
    live = tunnels(proxy, raw, 2)
    before = proxy.resident()
    for i in range(100):
        proxy.rewrite(limited("raw.example.com", f"n{i}.example.org"))
        time.sleep(0.01)
    reloaded(proxy, "n99.example.org:443", 502)
    assert all(works(client) for client in live)
    proxy.assert_grew_less(before, 16 << 20)


def test_a_broken_document_keeps_the_old_policy(start, raw):
    proxy = start(BOTH)
    live = tunnels(proxy, raw)
    said = len(proxy.stderr())
    proxy.rewrite(BROKEN)
    errors = wire.wait_for(lambda: proxy.errors()[said:].count("\n") and proxy.errors()[said:],
                           message="message about the broken document")
    assert re.search(r"env0\.yaml:6:5: .*allowed_host", errors), errors
    assert "allowed_hosts" in errors, "the nearest known key is named"
    assert all(works(client) for client in live)
    assert proxy.refusal("tls.example.com:443").status in (200, 502)
    refusal.check(proxy.refusal("www.example.com:443"), 403, "host_not_allowed", "www.example.com")
    proxy.rewrite(limited("www.example.com"))
    reloaded(proxy, "www.example.com:443", 200)


@pytest.mark.covers("P1")
@pytest.mark.parametrize("document", ["", "{", "name: [", "\0", "networking: {type: limited}\n",
                                      "name: x\nconfig: {type: cloud, networking: {type: open}}\n"])
def test_no_broken_document_opens_anything(start, document):
    proxy = start(limited("www.example.com"))
    said = len(proxy.stderr())
    proxy.rewrite(document)
    wire.wait_for(lambda: "env0.yaml" in proxy.errors()[said:])
    refusal.check(proxy.refusal("api.example.com:443"), 403, "host_not_allowed", "api.example.com")
    assert proxy.refusal("www.example.com:443").status == 200


@pytest.mark.covers("P1")
@pytest.mark.parametrize("torn", ["name: e2e\n", "name: e2e\nconfig:\n  type: cloud\n"])
def test_a_document_cut_short_does_not_open_a_limited_environment(start, torn):
    proxy = start(limited("www.example.com"))
    said = len(proxy.stderr())
    proxy.rewrite(torn)
    wire.wait_for(lambda: "reload refused" in proxy.errors()[said:])
    assert re.search(r"env0\.yaml.*networking", proxy.errors()[said:])
    refusal.check(proxy.refusal("api.example.com:443"), 403, "host_not_allowed", "api.example.com")
    proxy.rewrite(unrestricted())
    reloaded(proxy, "api.example.com:443", 200)


@pytest.mark.covers("P1")
@pytest.mark.parametrize("config", ["", "environments: []\n", "workers: 1\n"])
def test_a_configuration_that_lost_its_environments_opens_nothing(start, config):
    proxy = start(limited("www.example.com"))
    said = len(proxy.stderr())
    proxy.config_path.write_text(config)
    proxy.signal(signal.SIGHUP)
    wire.wait_for(lambda: "reload refused" in proxy.errors()[said:])
    refusal.check(proxy.refusal("api.example.com:443"), 403, "host_not_allowed", "api.example.com")
    assert proxy.refusal("www.example.com:443").status == 200


def test_a_document_that_is_gone_keeps_the_old_policy(start):
    proxy = start(limited("www.example.com"))
    said = len(proxy.stderr())
    proxy.environments[0].unlink()
    proxy.signal(signal.SIGHUP)
    wire.wait_for(lambda: "env0.yaml" in proxy.errors()[said:])
    assert proxy.refusal("www.example.com:443").status == 200
    refusal.check(proxy.refusal("api.example.com:443"), 403, "host_not_allowed", "api.example.com")


def test_all_problems_are_said_at_once_at_the_start(tmp_path):
    text = """\
name: e2e
colour: blue
config:
  type: cloud
  networking:
    type: limited
    allowed_hosts:
      - "*"
      - "http://www.example.com"
      - www.example.com:443
      - "*.com"
    allow_mcp_servers: yes
"""
    status, errors = refuse_to_start(tmp_path / "s", [text])
    assert status == 2
    for line in (2, 8, 9, 10, 11, 12):
        assert re.search(rf"env0\.yaml:{line}:\d+: ", errors), (line, errors)


@pytest.mark.parametrize("config, says", [
    ({"colour": "blue"}, "colour"),
    ({"timeouts": {"idle": "forever"}}, "idle"),
    ({"environments": ["missing.yaml"]}, "missing.yaml"),
    ({"listeners": [{"address": "127.0.0.1:0", "environment": "nobody"}]}, "nobody"),
    ({"resolver": {"servers": ["not an address"]}}, "not an address"),
])
def test_a_broken_configuration_does_not_start(tmp_path, config, says):
    status, errors = refuse_to_start(tmp_path / "s", [limited("www.example.com")], config=config)
    assert status == 2 and says in errors
