"""What the clients of one listener do, those of another do not feel: sluice(8), LIMITS.

Each proxy here has two listeners.  Through the first come more connections, questions or
racing dials than the process takes; through the second one client, which is served.
"""

import socket
import time

import pytest

from lib import net, refusal, wire
from lib.dns import A, Answer
from lib.raw import echo
from lib.sluice import limited, sanitized, unrestricted

TWO = [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0"}]
HOLES = [f"{net.PUBLIC_V4}{n}" for n in range(41, 49)]
WAIT = 12 if sanitized() else 5     # seconds in the others' queue, where it must not stand
PROMPT = 0.8 * WAIT


@pytest.fixture(params=[1, 4], ids=["1worker", "4workers"])
def two(request, start):
    """two(document): a proxy with two listeners."""
    def begin(document, config=None, **how):
        return start(document, workers=request.param,
                     config={"listeners": TWO, **(config or {})}, **how)
    return begin


def silence(proxy, count):
    """Connections to the first listener that say nothing."""
    held = [wire.Wire(socket.create_connection(proxy.listener(0))) for _ in range(count)]
    time.sleep(0.3)
    return held


def is_served(proxy, target):
    """The client of the second listener gets its tunnel, and soon."""
    before = time.monotonic()
    proxy.tunnel(target, nth=1).close()
    assert time.monotonic() - before < PROMPT


def status_of_one_more(proxy):
    """What one more client of the first listener hears; None if nothing."""
    try:
        return proxy.refusal("raw.example.com:80", nth=0).status
    except (AssertionError, OSError):
        return None


@pytest.mark.covers("R2")
@pytest.mark.parametrize("count", [60, 300], ids=["beyond the limit", "far beyond"])
def test_a_listener_that_is_full(two, raw, count):
    raw(echo, port=80)
    proxy = two(limited("raw.example.com"), {"limits": {"connections": 40}})
    held = silence(proxy, count)
    assert status_of_one_more(proxy) in (503, None)
    is_served(proxy, "raw.example.com:80")
    for client in held:
        client.close()
    wire.wait_for(lambda: status_of_one_more(proxy) == 200, message="room again")


def test_both_listeners_full_is_a_503_at_both(two, raw):
    raw(echo, port=80)
    proxy = two(limited("raw.example.com"), {"limits": {"connections": 40}})
    held = silence(proxy, 30)
    held += [proxy.tunnel("raw.example.com:80", nth=1) for _ in range(20)]
    for nth in (0, 1):
        refusal.check(proxy.refusal("raw.example.com:80", nth=nth), 503, "overloaded")


def test_the_limit_of_all_is_below_the_sum_of_theirs(two, raw):
    raw(echo, port=80)
    proxy = two(limited("raw.example.com"), {"limits": {"connections": 8, "per_client": 8}})
    held = [proxy.tunnel("raw.example.com:80", nth=0) for _ in range(8)]
    refusal.check(proxy.refusal("raw.example.com:80", nth=1), 503, "overloaded")
    held.pop().close()
    wire.wait_for(lambda: proxy.refusal("raw.example.com:80", nth=1).status == 200,
                  message="room again")


def unanswered(name, kind, nth):
    if name.startswith("silent"):
        return Answer(silent=True)
    return Answer(net.ORIGIN)


@pytest.mark.covers("R10")
@pytest.mark.parametrize("stay", [True, False], ids=["waiting", "gone"])
def test_more_names_than_dns_takes_that_nobody_answers(names, two, stay):
    """Clients that wait for a silent name server, and clients that asked and went."""
    proxy = two(unrestricted(), {"limits": {"connections": 4000}, "timeouts": {"resolve": f"{WAIT + 2}s"},
                                 "resolver": {"timeout": f"{WAIT}s"}},
                resolver=names(unanswered).server)
    held = []
    for i in range(1200):
        client = proxy.dial(0)
        client.send(wire.connect_head(f"silent{i}.example.net:443"))
        if stay:
            held.append(client)
        else:
            client.abort()
    time.sleep(0.3)
    is_served(proxy, "www.example.com:443")
    for client in held:
        client.abort()


@pytest.mark.covers("R11")
def test_racing_dials_do_not_take_the_descriptors(names, two, full):
    """180 clients of a name with eight silent addresses, where 1024 files may be open."""
    for address in HOLES:
        full(address, 443)

    def script(name, kind, nth):
        if name.startswith("holes"):
            return Answer(*HOLES)
        return Answer(net.ORIGIN) if kind == A else Answer()

    proxy = two(unrestricted(), resolver=names(script).server,
                wrapper=["prlimit", "--nofile=1024:1024"])
    held = []
    for _ in range(180):
        held.append(proxy.dial(0).send(wire.connect_head("holes.example.net:443")))
    most, end = 0, time.monotonic() + 3
    while time.monotonic() < end:
        most = max(most, proxy.descriptors())
        time.sleep(0.05)
    assert 2 * len(held) < most < 2 * len(held) + 256, "two for each client, and the reserve"
    is_served(proxy, "www.example.com:443")
    for client in held:
        client.abort()
