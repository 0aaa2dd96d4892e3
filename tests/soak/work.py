"""What the clients of the soak do, and what each thing they do must leave in the record.

An operation is a function of a client.  Whatever the client is told it writes into the book:
the lines of the record that this answer stands for.
"""

import random
import socket
import threading
import time
from collections import Counter

from lib import hello, wire

FAILED = {"name_not_found", "dns_failure", "dns_timeout", "connect_refused", "connect_failed",
          "connect_timeout"}
# Told with a status, though the open line was written before.  The record says of a request that
# its server dropped, "close"; of one that a reload has cut, why: but those who are cut
# later, in the tunnel, are not told, so their close lines are not told apart here.
AFTER_OPEN = {"upstream_closed", "policy_changed"}
HOLD_MOST = 12.0            # seconds that a tunnel is left idle
TORN = "torn.example.com"   # clients that leave at any moment ask for this one only


class Book:
    """Lines that the record must have, by event, verdict and reason."""

    def __init__(self):
        self._lock = threading.Lock()
        self.lines = Counter()
        self.operations = Counter()
        self.problems = []

    def add(self, *line):
        with self._lock:
            self.lines[line] += 1

    def did(self, operation):
        with self._lock:
            self.operations[operation.__name__] += 1

    def problem(self, text):
        with self._lock:
            self.problems.append(text)

    def opened(self, *reason):
        """An open line, and its close: by itself, or because of a reason."""
        self.add("open")
        self.add("close", *reason)

    def told(self, answer):
        """What an answer to a request stands for.  True when it was carried out."""
        reason = answer.reason
        if reason is None:
            self.opened()
        elif reason in AFTER_OPEN:
            self.opened()
        else:
            self.add("fail" if reason in FAILED else "deny", reason)
        return reason is None


class Client:
    def __init__(self, proxy, authority, book, faults, seed):
        self.proxy = proxy
        self.authority = authority
        self.book = book
        self.faults = faults            # what is done to the proxy from behind
        self.random = random.Random(seed)
        self.held = []                  # (until, wire): idle tunnels

    def connect(self, target):
        """A tunnel, or None; the answer is in the book."""
        held, answer = wire.connect(self.proxy.where, target)
        if self.book.told(answer):
            return held
        held.close()
        return None

    def expect(self, target, *reasons):
        """A refusal with one of these reasons."""
        held, answer = wire.connect(self.proxy.where, target)
        self.book.told(answer)
        held.close()
        assert answer.reason in reasons, f"{target}: {answer}"

    def read_answer(self, sock):
        """Whatever comes, until the end: a head is an answer, nothing is none."""
        data = sock.cut(8.0)
        if data.startswith(b"HTTP/1.1 "):
            self.book.told(wire.Response(data.partition(b"\r\n\r\n")[0]))

    def release(self, everything=False):
        """Tunnels that were idle for long enough still carry bytes."""
        now = time.monotonic()
        due = [h for h in self.held if everything or h[0] <= now]
        self.held = [h for h in self.held if h not in due]
        for _, tunnel in due:
            exchange_bytes(tunnel, b"still here")
            tunnel.close()


def exchange_bytes(tunnel, data):
    """Send and read back, as much as fits between the two at once."""
    for at in range(0, len(data), 32768):
        part = data[at:at + 32768]
        tunnel.send(part)
        assert tunnel.read(len(part)) == part


def payload(client, most):
    """Random bytes.  The first is of text: what begins as a TLS record is refused on every port."""
    return b"." + client.random.randbytes(client.random.randrange(most))


# What works

def echo_tunnel(client):
    if tunnel := client.connect("echo.example.com:80"):
        exchange_bytes(tunnel, payload(client, 200000))
        tunnel.close()


def half_close(client):
    if tunnel := client.connect("echo.example.com:80"):
        data = payload(client, 20000)
        tunnel.send(data)
        tunnel.half_close()
        assert tunnel.read_all() == data
        tunnel.close()


def tls_tunnel(client):
    if tunnel := client.connect("tls.example.com:443"):
        client.authority.wrap(tunnel, "tls.example.com")
        exchange_bytes(tunnel, payload(client, 5000))
        tunnel.close()


def forward(client):
    """Some requests on one connection, with bodies and without."""
    held = wire.dial(client.proxy.where)
    for _ in range(client.random.randint(1, 5)):
        body = payload(client, 30000) if client.random.random() < 0.5 else b""
        method = "POST" if body else "GET"
        held.send(wire.request("http://web.example.com/some/path", method, body=body))
        answer = held.response(method)
        assert client.book.told(answer), answer
        assert not body or answer.body == body
    held.close()


def slow_client(client):
    held = wire.dial(client.proxy.where)
    head = wire.connect_head("echo.example.com:80")
    for at in range(0, len(head), 16):
        held.send(head[at:at + 16])
        time.sleep(0.1)
    if client.book.told(held.response("CONNECT")):
        exchange_bytes(held, b"slow, but sure")
    held.close()


def idle_tunnel(client):
    if tunnel := client.connect("echo.example.com:80"):
        until = time.monotonic() + client.random.uniform(1, HOLD_MOST)
        client.held.append((until, tunnel))


def changing_tunnel(client):
    """To a host that only every other policy allows."""
    if tunnel := client.connect("maybe.changing.example.org:80"):
        try:
            exchange_bytes(tunnel, payload(client, 50000))
        except (AssertionError, OSError):
            pass        # cut by a reload; its close line says so
        tunnel.close()


# What is refused

def refused(client):
    client.expect("denied.example.net:443", "host_not_allowed")


def bad_target(client):
    client.expect("127.1:443", "bad_target")


def blocked(client):
    client.expect("echo.example.com:25", "blocked_port")


def unknown_name(client):
    number = client.random.randrange(1000)
    client.expect(f"nx{number}.example.com:443", "name_not_found")


def refused_inside(client, sent, reason):
    """A tunnel that is opened, and refused for what is said in it."""
    held, answer = wire.connect(client.proxy.where, "tls.example.com:443")
    if answer.status != 200:
        client.book.told(answer)
    else:
        client.book.opened(reason)
        held.send(sent)
        got = held.cut()
        assert hello.is_access_denied(got), got
    held.close()


def wrong_name(client):
    refused_inside(client, hello.hello("other.example.com"), "sni_mismatch")


def no_name(client):
    refused_inside(client, hello.hello(), "sni_missing")


def no_tls(client):
    refused_inside(client, b"SSH-2.0-client\r\n", "not_tls")


WORK = [(14, echo_tunnel), (10, half_close), (6, tls_tunnel), (12, forward), (4, slow_client),
        (4, idle_tunnel), (6, changing_tunnel), (10, refused), (3, bad_target), (3, blocked),
        (8, unknown_name), (4, wrong_name), (3, no_name), (3, no_tls)]


# Faults

def client_reset(client):
    """At any moment: in the head, behind it, in the tunnel."""
    held = wire.dial(client.proxy.where)
    head = wire.connect_head(f"{TORN}:80")
    stage = client.random.randrange(4)
    if stage == 0:
        held.send(head[:client.random.randrange(1, len(head))])
    else:
        held.send(head)
    if stage >= 2:
        held.response("CONNECT")
    if stage == 3:
        held.send(payload(client, 30000))
    time.sleep(client.random.choice([0, 0, 0.001, 0.02]))
    held.abort()


def origin_resets(client):
    if tunnel := client.connect("resets.example.com:80"):
        tunnel.send(b"hello?")
        tunnel.cut()
        tunnel.close()


def origin_ends(client):
    if tunnel := client.connect("ends.example.com:80"):
        tunnel.send(b"hello?")
        tunnel.cut()
        tunnel.close()


def origin_drops_a_request(client):
    host = client.random.choice(["resets.example.com", "ends.example.com"])
    answer = wire.ask(client.proxy.where, f"http://{host}/")
    client.book.told(answer)
    assert answer.reason == "upstream_closed", answer


def origin_refuses(client):
    client.expect("refuses.example.com:443", "connect_refused")


def origin_stalls(client):
    client.expect("stalls.example.com:80", "connect_timeout")


def names_silent(client):
    client.expect("silent.example.com:443", "dns_timeout")


def names_fail(client):
    client.expect("servfail.example.com:443", "dns_failure")


def names_garbage(client):
    client.expect("garbage.example.com:443", "dns_failure", "dns_timeout")


def malformed(client):
    """A head with one byte changed, or bytes that are none."""
    head = bytearray(wire.connect_head("denied.example.net:443"))
    head[client.random.randrange(len(head) - 4)] = client.random.randrange(256)
    sent = bytes(head) if client.random.random() < 0.7 else payload(client, 300) + b"\r\n\r\n"
    held = wire.dial(client.proxy.where)
    held.send(sent)
    client.read_answer(held)
    held.close()


def truncated(client):
    """A head that ends too early; the client stays to hear what is said to that."""
    head = wire.connect_head("denied.example.net:443")
    held = wire.dial(client.proxy.where)
    held.send(head[:client.random.randrange(1, len(head))])
    held.sock.shutdown(socket.SHUT_WR)
    client.read_answer(held)
    held.close()


def sink_stalls(client):
    client.faults.stall_record(client.random.uniform(0.2, 0.8))


def reload(client):
    client.faults.reload()


FAULTS = [client_reset, origin_resets, origin_ends, origin_drops_a_request, origin_refuses,
          origin_stalls, names_silent, names_fail, names_garbage, malformed, truncated,
          sink_stalls, reload]
FAULT_SHARE = 0.05


def choose(rng):
    if rng.random() < FAULT_SHARE:
        return rng.choice(FAULTS)
    weights, operations = zip(*WORK)
    return rng.choices(operations, weights)[0]


def run(client, until, rate):
    """Operations one after another, at most so many a second, until then."""
    while time.monotonic() < until:
        operation = choose(client.random)
        began = time.monotonic()
        try:
            operation(client)
            client.release()
        except (AssertionError, OSError) as problem:
            client.book.problem(f"{operation.__name__}: {type(problem).__name__} {problem}")
        client.book.did(operation)
        time.sleep(max(0.0, 1 / rate - (time.monotonic() - began)))
    client.release(everything=True)
