"""Ways past other proxies, tried here: docs/attacks.md.

Only what no other module shows; most bypasses are rows of the tables about targets, names
inside tunnels and the address guard.
"""

import os
import select
import socket
import threading

import pytest

from lib import hello, net, refusal, wire
from lib.raw import absorb, echo
from lib.sluice import agent, limited, refuse_to_start, unrestricted

NAMES = limited("www.example.com", "*.example.org")


@pytest.fixture
def relay():
    """relay(where): a relay inside the container; (host, port) at which it waits."""
    listeners = []

    def pump(near, far):
        ends = {near: far, far: near}
        while ends:
            for ready in select.select(list(ends), [], [], 10)[0]:
                got = ready.recv(65536)
                if not got:
                    near.close()
                    far.close()
                    return
                ends[ready].sendall(got)

    def serve(listener, where):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(where, timeout=10)
            threading.Thread(target=pump, args=(near, far), daemon=True).start()

    def begin(where):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, where), daemon=True).start()
        return listener.getsockname()

    yield begin
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.covers("B8")
@pytest.mark.parametrize("target", ["www.example.com:443", "www.example.com:22",
                                    "denied.example.net:443", "10.0.0.5:443", "localhost:80",
                                    "www.example.com\0.evil.example.net:443"])
def test_through_a_relay_the_answer_is_the_same(start, relay, target):
    """Whatever process of the container connects, it is the same client."""
    proxy = start(NAMES)
    answers = []
    for where in (proxy.where, relay(proxy.where)):
        held, answer = wire.connect(where, target)
        held.close()
        answers.append((answer.head, answer.body))
    assert answers[0] == answers[1]


@pytest.mark.covers("A10")
def test_an_inner_proxy_is_not_asked(start, origin, raw):
    """The variables that point clients at a proxy mean nothing to this one."""
    inner = raw(absorb, port=3129)
    variables = [f"{name}=http://{net.RAW}:3129"
                 for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY")]
    proxy = start(NAMES, wrapper=["env", *variables])
    contacts = len(origin.contacts)
    proxy.tunnel("www.example.com:443").close()
    assert proxy.ask("http://www.example.com/echo").status == 200
    assert {place for place, _ in origin.contacts[contacts:]} == {net.ORIGIN}
    assert {line["address"] for line in proxy.record.wait_count(2, event="open")} == {net.ORIGIN}
    assert inner.contacts == []


@pytest.mark.covers("B13")
def test_without_a_name_inside_nothing_passes(start, raw):
    server = raw(echo)
    proxy = start(limited("tls.example.com"))
    client = proxy.tunnel("tls.example.com:443")
    client.send(hello.hello(None))
    assert hello.is_access_denied(client.cut())
    assert proxy.record.wait(event="close")["reason"] == "sni_missing"
    assert server.contact().received == b""


@pytest.mark.covers("B15")
def test_a_source_address_is_no_identity(start):
    """Two addresses at one listener are one client: the policy is the listener's."""
    proxy = start(NAMES, config={"listeners": [{"address": "0.0.0.0:0"}]})
    _, port = proxy.listener()
    for source in ("127.0.0.1", "127.0.0.9", net.RAW_OTHER):
        for target, status in (("www.example.com:443", 200), ("denied.example.net:443", 403)):
            sock = socket.create_connection(("127.0.0.1", port), timeout=10,
                                            source_address=(source, 0))
            client = wire.Wire(sock).send(wire.connect_head(target))
            assert client.response("CONNECT").status == status, (source, target)
            client.close()


@pytest.mark.covers("B15")
@pytest.mark.parametrize("listener", [{"identify": ["source"]}, {"source": "10.0.0.0/8"}])
def test_a_listener_cannot_be_told_to_trust_source_addresses(tmp_path, listener):
    status, errors = refuse_to_start(tmp_path / "s", [NAMES], config={
        "listeners": [{"address": "127.0.0.1:0", **listener}]})
    assert status == 2 and "env0" not in errors and next(iter(listener)) in errors


AGENT = agent(("tools", "https://mcp.example.com/sse"))


@pytest.mark.covers("B16", "P1")
@pytest.mark.parametrize("networking", [
    {"type": "limited"},
    {"type": "limited", "allowed_hosts": []},
    {"type": "limited", "allowed_hosts": None, "allow_mcp_servers": None,
     "allow_package_managers": None},
    {"type": "limited", "allowed_hosts": [], "allow_mcp_servers": False,
     "allow_package_managers": False},
], ids=["nothing said", "empty", "null", "false"])
def test_an_environment_that_allows_nothing_allows_nothing(start, refused_quietly, networking):
    """Neither bundled sets nor anything else adds a host to it."""
    barrier = limited("*.barrier.example.com", name="barrier")
    empty = {"name": "empty", "config": {"type": "cloud", "networking": networking}}
    proxy = start(barrier, empty, config={"listeners": [
        {"address": "127.0.0.1:0", "environment": "barrier"},
        {"address": "127.0.0.1:0", "environment": "empty"}]})

    def ask():
        for host in ("www.example.com", "mcp.example.com", net.ORIGIN):
            for port in (443, 80):
                refusal.check(proxy.refusal(f"{host}:{port}", nth=1), 403, "host_not_allowed")

    refused_quietly(proxy, ask)


@pytest.mark.covers("B16")
def test_an_agent_adds_nothing_unasked(tmp_path):
    """An agent document whose server the environment does not allow is refused, not added."""
    nothing = {"name": "e2e", "config": {"type": "cloud", "networking": {"type": "limited"}}}
    path = tmp_path / "agent.yaml"
    path.write_text(str(AGENT).replace("'", '"'))
    status, errors = refuse_to_start(tmp_path / "s", [nothing], arguments=["--agent", str(path)])
    assert status == 2 and "mcp.example.com" in errors and "tools" in errors


@pytest.mark.covers("T2")
def test_a_host_inside_plaintext_is_out_of_reach(start, raw):
    """Not defended, and said so in the manual: bytes inside CONNECT to port 80 are opaque."""
    raw(echo, port=80)
    proxy = start(limited("raw.example.com"))
    inside = b"GET / HTTP/1.1\r\nHost: denied.example.net\r\n\r\n"
    client = proxy.tunnel("raw.example.com:80", after=inside)
    assert client.read(len(inside)) == inside
    client.close()
    closed = proxy.record.wait(event="close")
    assert (closed["host"], closed["verdict"]) == ("raw.example.com", "allow")
    assert closed["bytes_up"] == len(inside)


def writable_by_all(path):
    path.chmod(0o666)


def somebody_elses(path):
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(path, 4242, -1)


@pytest.mark.covers("P3")
@pytest.mark.parametrize("change, says", [(writable_by_all, "every user"),
                                          (somebody_elses, "user 4242")])
def test_a_policy_that_others_may_write_is_said(start, change, says):
    proxy = start(NAMES)
    assert says not in proxy.errors()
    change(proxy.environments[0])
    proxy.reload()
    line = next(line for line in proxy.errors().splitlines() if says in line)
    assert str(proxy.environments[0]) in line and "warning" in line


@pytest.mark.covers("R7")
def test_a_tunnel_holds_its_two_sockets_and_nothing_else(start, raw):
    server = raw(echo, port=7000)
    proxy = start(unrestricted())
    client = proxy.tunnel("raw.example.com:7000")
    client.send(b"x" * (1 << 16))
    assert client.read(1 << 16) == b"x" * (1 << 16)
    assert proxy.descriptors() == proxy.idle + 2
    assert server.contact()
    client.close()
