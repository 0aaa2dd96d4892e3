"""The address guard on what names resolve to: sluice(8), NAMES AND ADDRESSES OUTSIDE."""

import socket
import time

import pytest

from lib import net, refusal, wire
from lib.dns import A, AAAA, Answer, ScriptedDns
from lib.raw import echo
from lib.sluice import limited, unrestricted

pytestmark = pytest.mark.usefixtures("workers")

ANY = limited("*.example.com")
PRIVATE = ["private", "private192", "private172", "shared", "benchmark", "loopback", "loopback6",
           "local6", "mapped", "nat64private", "sixtofour", "unspecified", "aliasprivate"]
METADATA = ["metadata", "metadata6", "alibaba", "wireserver"]


def test_a_contact_with_a_guarded_address_would_be_noticed(traps):
    """The tests below rest on this."""
    for address in net.TRAPS:
        socket.create_connection((address, 443), timeout=5).close()
    wire.wait_for(lambda: len(traps.contacts) == len(net.TRAPS))
    traps.contacts.clear()


@pytest.mark.covers("A2", "A3", "A4", "A8", "B7")
@pytest.mark.parametrize("document", [ANY, unrestricted()], ids=["limited", "unrestricted"])
@pytest.mark.parametrize("label, reason", [
    *((label, "address_not_allowed") for label in PRIVATE),
    *((label, "metadata_service") for label in METADATA),
])
def test_a_name_for_a_guarded_address_is_refused(start, document, label, reason):
    proxy = start(document)
    host = f"{label}.example.com"
    refusal.check(proxy.refusal(f"{host}:443"), 403, reason, host)
    refusal.check(proxy.ask(f"http://{host}/"), 403, reason, host)
    line = proxy.record.wait_count(2, event="deny", host=host)[0]
    assert line["reason"] == reason and "address" not in line


@pytest.mark.covers("A7")
@pytest.mark.parametrize("host, dialled", [
    ("mixed.example.com", net.ORIGIN),
    ("mixed6.example.com", net.ORIGIN),
    ("nat64.example.com", net.NAT64_ORIGIN),
    ("mappedpublic.example.com", net.ORIGIN),
    ("alias.example.com", net.ORIGIN),
    ("both.example.com", net.ORIGIN_V6),
])
def test_only_the_public_addresses_of_a_name_are_dialled(start, origin, host, dialled):
    proxy = start(ANY)
    for _ in range(5):
        contacts = len(origin.contacts)
        proxy.tunnel(f"{host}:443").close()
        assert {place for place, _ in origin.contacts[contacts:]} <= {dialled}
    assert {line["address"] for line in proxy.record.wait_count(5, event="open")} == {dialled}


@pytest.mark.covers("A7")
def test_a_private_address_is_no_second_choice(start):
    """The public address refuses; the private one beside it is still not tried."""
    proxy = start(ANY)
    for _ in range(5):
        refusal.check(proxy.refusal("mixedrefused.example.com:443"), 502, "connect_refused",
                      "mixedrefused.example.com")


def scripted(start, script, document=ANY, **how):
    server = ScriptedDns(script)
    return start(document, resolver=server.server, **how), server


@pytest.mark.covers("A6", "B12")
def test_rebinding_between_two_requests(start):
    """Public at first, private later, with TTL 0: every answer is checked, none trusted twice."""
    def script(name, kind, nth):
        if kind == AAAA:
            return Answer()
        return Answer(net.ORIGIN if nth == 0 else "127.0.0.1", ttl=0)

    proxy, server = scripted(start, script, workers=1)
    proxy.tunnel("rebind.example.com:443").close()
    assert server.count("rebind.example.com") == 1, "one lookup a decision"
    seen = set()
    for _ in range(10):
        answer = proxy.refusal("rebind.example.com:443")
        seen.add(answer.status)
        if answer.status == 403:
            refusal.check(answer, 403, "address_not_allowed", "rebind.example.com")
    assert seen <= {200, 403} and 403 in seen
    server.stop()


@pytest.mark.covers("A6")
def test_rebinding_by_alternating_answers(start):
    addresses = [net.ORIGIN, "10.0.0.5", net.ORIGIN, "169.254.169.254"]

    def script(name, kind, nth):
        return Answer(addresses[nth % 4], ttl=0) if kind == A else Answer("::1", ttl=0)

    proxy, server = scripted(start, script)
    for _ in range(30):
        proxy.refusal("rebind.example.com:443")
    opened = proxy.record.lines(event="open")
    assert opened and {line["address"] for line in opened} == {net.ORIGIN}
    server.stop()


@pytest.mark.covers("A7")
def test_a_late_private_ipv6_answer_is_not_used(start):
    """IPv4 refuses at once; AAAA comes later and is loopback."""
    def script(name, kind, nth):
        if kind == AAAA:
            time.sleep(0.4)
            return Answer("::1")
        return Answer(net.NOBODY)

    proxy, server = scripted(start, script)
    answer = proxy.refusal("late.example.com:443")
    assert answer.status == 502
    server.stop()


def test_a_late_public_answer_is_used(start):
    def script(name, kind, nth):
        if kind == AAAA:
            return Answer("::1")
        time.sleep(0.4)
        return Answer(net.ORIGIN)

    proxy, server = scripted(start, script)
    assert proxy.refusal("late.example.com:443").status == 200
    server.stop()


@pytest.mark.covers("A6")
def test_a_cname_chain_into_the_inside_is_refused(start):
    proxy, server = scripted(start, lambda name, kind, nth: Answer(
        "10.0.0.5" if kind == A else "fd12:3456::7", cname="inside.example.org"))
    refusal.check(proxy.refusal("chain.example.com:443"), 403, "address_not_allowed",
                  "chain.example.com")
    server.stop()


def test_a_large_answer_over_tcp(start):
    many = [f"10.1.{i}.{j}" for i in range(4) for j in range(1, 50)] + [net.ORIGIN]
    proxy, server = scripted(start, lambda name, kind, nth: Answer(*many, truncated=True))
    assert proxy.refusal("many.example.com:443").status in (200, 403)
    proxy.check_rest()
    server.stop()


def test_a_truncated_answer_is_asked_again_over_tcp(start):
    proxy, server = scripted(start, lambda name, kind, nth: Answer(net.ORIGIN, truncated=True))
    assert proxy.refusal("tcp.example.com:443").status == 200
    server.stop()


@pytest.mark.covers("A11")
@pytest.mark.parametrize("raw", [
    b"", b"\x81", b"\x81\x80" + b"\xff" * 8, b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\xc0\x0c",
    b"\x81\x80\x00\x01\xff\xff\x00\x00\x00\x00" + b"\x3f" * 300, b"\xff" * 500,
], ids=repr)
def test_torn_answers_do_no_harm(start, raw):
    proxy, server = scripted(start, lambda name, kind, nth: Answer(raw=raw),
                             config={"timeouts": {"resolve": "1s"}, "resolver": {"timeout": "1s"}})
    assert proxy.refusal("torn.example.com:443").status in (502, 504)
    proxy.check_rest()
    server.stop()


def test_the_hosts_file_comes_first_and_is_guarded_too(start, tmp_path, dns):
    hosts = tmp_path / "hosts"
    hosts.write_text(f"{net.ORIGIN} only-here.example.com\n127.0.0.1 www.example.com\n")
    proxy = start(ANY, config={"resolver": {"hosts_file": str(hosts)}})
    mark = dns.mark()
    assert proxy.refusal("only-here.example.com:443").status == 200
    refusal.check(proxy.refusal("www.example.com:443"), 403, "address_not_allowed",
                  "www.example.com")
    assert dns.queries(mark) == []
    hosts.write_text(f"{net.ORIGIN_OTHER} www.example.com\n")
    wire.wait_for(lambda: proxy.refusal("www.example.com:443").status == 200,
                  message="answer of the changed hosts file")
    assert proxy.record.lines(event="open")[-1]["address"] == net.ORIGIN_OTHER


def test_an_exempt_network_is_open_on_its_ports(start, raw):
    raw(echo, address=net.OFFICE, port=443)
    proxy = start(ANY, config={"tls_names": "off", "operator": {
        "exempt": [{"net": "10.20.0.0/16", "ports": [443]}]}})
    client = proxy.tunnel("office.example.com:443")
    client.send(b"inside")
    assert client.read(6) == b"inside"
    refusal.check(proxy.refusal("office.example.com:80"), 403, "address_not_allowed",
                  "office.example.com")
    refusal.check(proxy.refusal("private.example.com:443"), 403, "address_not_allowed",
                  "private.example.com")


def test_an_exempt_name_is_open_for_that_name_only(start, raw):
    raw(echo, address=net.OFFICE, port=443)
    proxy = start(unrestricted(), config={"operator": {
        "exempt": [{"name": "office.example.com", "ports": [443]}]}})
    proxy.tunnel("office.example.com:443").close()
    refusal.check(proxy.refusal(f"{net.OFFICE}:443"), 403, "address_not_allowed", net.OFFICE)
    refusal.check(proxy.refusal("private.example.com:443"), 403, "address_not_allowed",
                  "private.example.com")


def test_an_exemption_does_not_open_what_the_environment_does_not(start):
    proxy = start(limited("www.example.com"), config={"operator": {
        "exempt": [{"net": "10.20.0.0/16", "ports": [443]}]}})
    refusal.check(proxy.refusal("office.example.com:443"), 403, "host_not_allowed",
                  "office.example.com")


@pytest.mark.covers("A8")
def test_a_wide_exemption_does_not_open_metadata(start):
    proxy = start(unrestricted(), config={"operator": {
        "exempt": [{"net": "169.254.0.0/16", "ports": [80, 443]}]}})
    refusal.check(proxy.refusal("metadata.example.com:80"), 403, "metadata_service",
                  "metadata.example.com")
    refusal.check(proxy.refusal("169.254.169.254:80"), 403, "metadata_service")


def test_the_operator_allow_list_does_not_open_private_addresses(start):
    proxy = start(limited("www.example.com"),
                  config={"operator": {"allow": ["private.example.com", "api.example.com"]}})
    refusal.check(proxy.refusal("private.example.com:443"), 403, "address_not_allowed",
                  "private.example.com")
    proxy.tunnel("api.example.com:443").close()
    assert proxy.record.wait(event="open")["reason"] == "operator_allow"


def test_listed_names_and_addresses_are_refused_in_unrestricted(start, tmp_path, refused_quietly):
    names = tmp_path / "bad.txt"
    names.write_text(f"bad.example.net\n{net.RAW_OTHER}\n")
    proxy = start(unrestricted(), config={"blocklists": [
        {"path": str(names), "format": "domains", "match": "subtree", "category": "malware"}]})

    def ask():
        for host in ("bad.example.net", "deep.bad.example.net"):
            refusal.check(proxy.refusal(f"{host}:443"), 403, "safety_blocklist", host)

    refused_quietly(proxy, ask)
    line = proxy.record.wait(event="deny", host="deep.bad.example.net")
    assert line["rule"] == {"file": str(names), "line": 1, "entry": "bad.example.net",
                            "category": "malware"}
    refusal.check(proxy.refusal("other.example.com:443"), 403, "safety_blocklist",
                  "other.example.com")
    refusal.check(proxy.refusal(f"{net.RAW_OTHER}:443"), 403, "safety_blocklist")
