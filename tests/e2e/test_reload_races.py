"""A reload in the middle of something: nothing goes on under a verdict of the old policy.

sluice(8), SIGNALS AND RELOAD.  What is being resolved or dialled is judged anew as far as
it is known by then, and so is a tunnel that has been opened: by its target, by its server
name and by whether what was said inside would still pass.
"""

import os
import socket
import time

import pytest

from lib import hello, net, refusal, wire
from lib.dns import A, Answer
from lib.raw import echo
from lib.sluice import limited, unrestricted

NAME = "tls.example.com"
TARGET = f"{NAME}:443"
# For a name server whose answer a reload overtakes, however long the reload takes.
CLOCKS = {"timeouts": {"resolve": "60s"}, "resolver": {"timeout": "60s"}}


@pytest.fixture
def echoing(raw):
    return raw(echo)


def listed(tmp_path, *addresses):
    path = tmp_path / "listed.txt"
    path.write_text("".join(f"{address}\n" for address in addresses))
    return [{"path": str(path), "format": "domains", "category": "malware"}]


@pytest.fixture
def late(names, hold):
    """A name server that answers when hold is set."""
    return names(lambda name, kind, nth: hold.wait(60) and Answer(net.RAW))


@pytest.fixture
def half_late(names, hold):
    """The IPv4 answer at once, the IPv6 one late; it is waited for when IPv4 is refused."""
    return names(lambda name, kind, nth: (kind == A or hold.wait(60)) and Answer(net.RAW))


def asked(proxy, server, name):
    """A CONNECT whose name has been asked for and is not answered whole yet."""
    client = proxy.dial()
    client.send(wire.connect_head(f"{name}:443"))
    wire.wait_for(lambda: server.count(name) == 1, message="question")
    time.sleep(0.2)
    return client


def test_the_finding_about_a_listed_address_outlives_reloads(half_late, start, tmp_path, hold):
    """The text of the rule belongs to the policy that is gone when the last answer comes."""
    lists = listed(tmp_path, net.RAW)
    proxy = start(unrestricted(), resolver=half_late.server, config=CLOCKS | {"blocklists": lists})
    client = asked(proxy, half_late, "slow.example.com")
    for _ in range(2):
        proxy.reload()
    hold.set()
    refusal.check(client.response("CONNECT"), 403, "safety_blocklist", "slow.example.com")
    rule = proxy.record.wait(event="deny")["rule"]
    assert rule["file"] == lists[0]["path"] and rule["line"] == 1


def test_an_address_that_is_listed_while_resolving(late, start, echoing, hold):
    proxy = start(unrestricted(), resolver=late.server, config=CLOCKS)
    client = asked(proxy, late, "slow.example.com")
    proxy.config["blocklists"] = listed(proxy.folder, net.RAW)
    proxy.reload()
    hold.set()
    refusal.check(client.response("CONNECT"), 403, "safety_blocklist", "slow.example.com")
    assert echoing.contacts == []


def test_an_address_that_is_no_longer_listed(half_late, start, tmp_path, echoing, hold):
    proxy = start(unrestricted(), resolver=half_late.server,
                  config=CLOCKS | {"blocklists": listed(tmp_path, net.RAW)})
    client = asked(proxy, half_late, "slow.example.com")
    proxy.config["blocklists"] = []
    proxy.reload()
    hold.set()
    assert client.response("CONNECT").status == 200


def test_a_name_that_is_denied_while_resolving(late, start, echoing, hold):
    proxy = start(unrestricted(), resolver=late.server, config=CLOCKS)
    client = asked(proxy, late, "slow.example.com")
    proxy.config["operator"] = {"deny": ["slow.example.com"]}
    proxy.reload()
    hold.set()
    assert b" 200 " not in client.cut()
    assert echoing.contacts == [] and not proxy.record.lines(event="open")


def test_no_dial_goes_on_to_an_address_that_is_now_refused(names, start, full):
    """Seven addresses that never answer stand before an exempt one, whose exemption ends."""
    holes = [f"{net.PUBLIC_V4}{n}" for n in range(41, 48)]
    for address in holes:
        full(address, 443)
    server = names(lambda name, kind, nth: Answer(*holes, net.OFFICE))
    proxy = start(unrestricted(), resolver=server.server, config={
        "operator": {"exempt": [{"net": "10.20.0.0/16", "ports": [443]}]}})
    with socket.create_server((net.OFFICE, 443)) as office:
        office.settimeout(3)
        client = proxy.dial()
        client.send(wire.connect_head("race.example.com:443"))
        wire.wait_for(lambda: server.count("race.example.com"), message="question")
        del proxy.config["operator"]
        proxy.reload()
        with pytest.raises(TimeoutError):
            office.accept()
    client.abort()


def test_an_exempt_address_behind_silent_ones_is_reached(names, start, full):
    """The test above rests on this."""
    holes = [f"{net.PUBLIC_V4}{n}" for n in range(41, 48)]
    for address in holes:
        full(address, 443)
    server = names(lambda name, kind, nth: Answer(*holes, net.OFFICE))
    proxy = start(unrestricted(), resolver=server.server, config={
        "operator": {"exempt": [{"net": "10.20.0.0/16", "ports": [443]}]}})
    with socket.create_server((net.OFFICE, 443)) as office:
        office.settimeout(wire.TIMEOUT)
        client = proxy.dial()
        client.send(wire.connect_head("race.example.com:443"))
        office.accept()[0].close()
    client.abort()


def test_a_kept_connection_of_a_user_who_may_no_longer(start, tmp_path):
    path = str(tmp_path / "peer.sock")
    proxy = start(limited("www.example.com"), config={
        "listeners": [{"unix": path, "mode": "0666", "peer_uid": os.getuid()}]})
    request = wire.request("http://www.example.com/bytes/3")
    client = proxy.dial()
    client.send(request)
    assert client.response().status == 200
    proxy.config["listeners"][0]["peer_uid"] = os.getuid() + 1001
    proxy.reload()
    wire.wait_for(lambda: proxy.ask("http://www.example.com/bytes/3").status == 403)
    client.send(request)
    assert b" 200 " not in client.cut()
    assert len(proxy.record.lines(event="open")) == 1


def test_bytes_that_are_no_tls_end_when_the_environment_is_limited(start, echoing):
    proxy = start(unrestricted())
    client = proxy.tunnel(TARGET)
    client.send(b"SSH-2.0")
    assert client.read(7) == b"SSH-2.0"
    proxy.rewrite(limited(NAME))
    assert client.cut() == b""
    assert proxy.record.wait(event="close")["verdict"] == "deny"


def test_a_name_that_is_not_the_target_ends_when_the_environment_is_limited(start, echoing):
    proxy = start(unrestricted())
    client = proxy.tunnel(TARGET)
    sent = hello.hello("inner.example.net")
    client.send(sent)
    assert client.read(len(sent)) == sent
    proxy.rewrite(limited(NAME, "inner.example.net"))
    assert client.cut() == b""
    assert proxy.record.wait(event="close")["verdict"] == "deny"


@pytest.mark.parametrize("port, sent", [(443, hello.hello(NAME)), (80, b"SSH-2.0")],
                         ids=["tls", "opaque on 80"])
def test_what_a_limited_environment_lets_pass_goes_on(start, raw, port, sent):
    raw(echo, port=port)
    proxy = start(unrestricted())
    client = proxy.tunnel(f"{NAME}:{port}")
    client.send(sent)
    assert client.read(len(sent)) == sent
    proxy.rewrite(limited(NAME))
    wire.wait_for(lambda: proxy.refusal("www.example.com:443").status == 403)
    client.send(b"ping")
    assert client.read(4) == b"ping"


def test_what_was_only_reported_is_still_in_the_close_line(start, echoing):
    proxy = start(limited(NAME), config={"tls_names": "report"})
    client = proxy.tunnel(TARGET)
    sent = hello.hello("foreign.example.net")
    client.send(sent)
    assert client.read(len(sent)) == sent
    proxy.reload()
    time.sleep(0.2)
    client.close()
    closed = proxy.record.wait(event="close")
    assert closed["reason"] == "sni_mismatch" and closed["report_only"] is True


def test_a_reported_rule_does_not_outlive_its_policy(start, echoing):
    """The rule's text stood in the configuration that the reload has let go."""
    proxy = start(unrestricted(), config={"tls_names": "report",
                                          "operator": {"deny": ["foreign.example.net"]}})
    client = proxy.tunnel(TARGET)
    sent = hello.hello("foreign.example.net")
    client.send(sent)
    assert client.read(len(sent)) == sent
    for _ in range(3):
        proxy.reload()
        time.sleep(0.1)
    client.close()
    closed = proxy.record.wait(event="close")
    assert closed["reason"] == "operator_deny" and closed["report_only"] is True


@pytest.mark.parametrize("reload", [False, True], ids=["quiet", "reload"])
def test_the_half_close_clock_survives(start, raw, reload):
    """Neither the client's first bytes nor a reload take back that the server has ended."""
    def script(contact):
        contact.sock.sendall(b"hi")
        contact.sock.shutdown(socket.SHUT_WR)
        contact.read_all()

    raw(script, port=8080)
    proxy = start(unrestricted(), config={"timeouts": {"idle": "20s", "half_close": "1s"}})
    client = proxy.tunnel("raw.example.com:8080")
    assert client.read_all() == b"hi"
    client.send(b"x")
    if reload:
        proxy.reload()
    assert proxy.record.wait(event="close")["ended"] == "half_close_timeout"
