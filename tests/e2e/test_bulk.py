"""Much at once: a gigabyte each way, a thousand tunnels.  Leave out with -m "not bulk"."""

import asyncio
import hashlib
import random
import threading
import time
from functools import partial

import pytest

from lib import net, wire
from lib.origin import PATTERN, pattern
from lib.sluice import unrestricted

pytestmark = pytest.mark.bulk

GIB = 1 << 30
BLOCK = 1 << 20
TUNNELS = 1000


def send_pattern(sock, total):
    """PATTERN over and over; its length shares no factor with a buffer's."""
    view, left = memoryview(PATTERN), total
    while left > 0:
        sock.sendall(view[:min(left, len(view))])
        left -= len(view)


def digest_until_end(sock, early=b""):
    """early: what was read together with the answer of the proxy."""
    digest, total, buffer = hashlib.sha256(early), len(early), bytearray(BLOCK)
    while n := sock.recv_into(buffer):
        digest.update(memoryview(buffer)[:n])
        total += n
    return digest.hexdigest(), total


def expected_digest(total):
    digest, left = hashlib.sha256(), total
    while left > 0:
        digest.update(memoryview(PATTERN)[:min(left, len(PATTERN))])
        left -= len(PATTERN)
    return digest.hexdigest()


def test_a_gibibyte_each_way_at_once(start, raw):
    results = {}

    def script(contact):
        sender = threading.Thread(target=lambda: (send_pattern(contact.sock, GIB),
                                                  contact.sock.shutdown(1)))
        sender.start()
        results["up"] = digest_until_end(contact.sock)
        sender.join()

    raw(script, port=7000)
    proxy = start(unrestricted())
    before = proxy.resident()
    client = proxy.tunnel("raw.example.com:7000")
    started = time.monotonic()
    sender = threading.Thread(target=lambda: (send_pattern(client.sock, GIB), client.half_close()))
    sender.start()
    results["down"] = digest_until_end(client.sock, client.buffer)
    sender.join()
    wire.wait_for(lambda: "up" in results, timeout=30)
    assert time.monotonic() - started < 180
    want = (expected_digest(GIB), GIB)
    assert results["down"] == want and results["up"] == want
    closed = proxy.record.wait(event="close")
    assert (closed["bytes_up"], closed["bytes_down"]) == (GIB, GIB)
    proxy.assert_grew_less(before, 16 << 20)


async def serve(reader, writer, served):
    """Reads a line `wanted-bytes mode`, then digests what comes and answers with a pattern.

    mode: who ends first, the client or the server.
    """
    wanted, mode = (await reader.readline()).split()
    digest = hashlib.sha256()

    async def receive():
        while data := await reader.read(65536):
            digest.update(data)

    if mode == b"client":
        await receive()
        writer.write(digest.digest())
    writer.write(pattern(int(wanted)))
    await writer.drain()
    writer.write_eof()
    if mode == b"server":
        await receive()
        served.append(digest.hexdigest())
    writer.close()


async def one_tunnel(where, rng, gate, everybody):
    up, down = rng.randrange(200_000), rng.randrange(200_000)
    mode = rng.choice([b"client", b"server"])
    body = pattern(up)
    async with gate:
        reader, writer = await asyncio.open_connection(*where)
        writer.write(wire.connect_head("raw.example.com:7000"))
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    await everybody.wait_all()
    writer.write(b"%d %s\n" % (down, mode))
    if mode == b"client":
        writer.write(body)
        await writer.drain()
        writer.write_eof()
        got = await reader.read(-1)
        assert got == hashlib.sha256(body).digest() + pattern(down)
        digest = None
    else:
        got = await reader.read(-1)
        assert got == pattern(down)
        writer.write(body)
        await writer.drain()
        writer.write_eof()
        digest = hashlib.sha256(body).hexdigest()
    writer.close()
    return digest


class Everybody:
    """Waits until all tunnels are open, so that they are open at the same time."""

    def __init__(self, count):
        self.count = count
        self.event = asyncio.Event()

    async def wait_all(self):
        self.count -= 1
        if self.count == 0:
            self.event.set()
        await self.event.wait()


async def all_tunnels(where):
    """(digests the clients sent, digests the server saw) of the tunnels the server ended first."""
    everybody, served = Everybody(TUNNELS), []
    rng = random.Random(7)
    gate = asyncio.Semaphore(100)
    server = await asyncio.start_server(partial(serve, served=served), net.RAW, 7000, backlog=1024)
    digests = await asyncio.wait_for(
        asyncio.gather(*(one_tunnel(where, rng, gate, everybody) for _ in range(TUNNELS))), 60)
    sent = sorted(d for d in digests if d)
    for _ in range(100):
        if len(served) == len(sent):
            break
        await asyncio.sleep(0.05)
    server.close()
    await server.wait_closed()
    return sent, sorted(served)


@pytest.mark.parametrize("workers", [1, 4], ids=["1worker", "4workers"])
def test_a_thousand_tunnels_at_once(start, workers):
    proxy = start(unrestricted(), workers=workers)
    sent, served = asyncio.run(all_tunnels(proxy.where))
    assert sent == served and len(sent) > 100
    proxy.check_rest()
    assert len(proxy.record.wait_count(TUNNELS, event="close")) == TUNNELS
    assert {line["verdict"] for line in proxy.record.lines()} == {"allow"}
