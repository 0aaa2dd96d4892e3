"""Two ways for the bytes of a tunnel: copied, and spliced through a pipe once they are many.

What goes in comes out the same on both; here the traffic is certainly bulk, and the kernel grants
large pipes or none.  All other tests of tunnels are run again over pipes by `make e2e-spliced`.
"""

import hashlib
import sys
import threading
import time
from collections import namedtuple

import pytest

from lib import wire
from lib.origin import pattern
from lib.raw import echo
from lib.sluice import unrestricted

TARGET = "raw.example.com:7000"
MIB = 1 << 20
MUCH = 8 * MIB
SOME = 2 * MIB

# Refuses to enlarge a pipe, as the kernel does when its user has used up pipe-user-pages-soft.
SMALL_PIPES = """
import ctypes, os, sys
class Argument(ctypes.Structure):
    _fields_ = [("n", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
allow, refuse, equal, setpipe_sz = 0x7fff0000, 0x50000 | 1, 4, 1031
filter = ctypes.c_void_p(lib.seccomp_init(allow))
command = Argument(1, equal, setpipe_sz, 0)
call = lib.seccomp_syscall_resolve_name(b"fcntl")
assert lib.seccomp_rule_add_array(filter, refuse, call, 1, ctypes.byref(command)) == 0
assert lib.seccomp_load(filter) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""

Path = namedtuple("Path", "name wrapper most")     # most: pipes that are lent at once
PATHS = [Path("spliced", (), 33),
         Path("copied", (sys.executable, "-c", SMALL_PIPES), 0)]


@pytest.fixture(params=PATHS, ids=[path.name for path in PATHS])
def path(request):
    return request.param


@pytest.fixture(params=["tcp", "unix"])
def proxy(request, start, path, tmp_path):
    """A client of each kind of listener."""
    listener = {"tcp": {"address": "127.0.0.1:0"}, "unix": {"unix": str(tmp_path / "p.sock")}}
    return start(unrestricted(), config={"listeners": [listener[request.param]]},
                 wrapper=path.wrapper)


def pipes(proxy):
    """Those that are open; it begins with one or two of its own."""
    return len({name for name in proxy.descriptor_names() if name.startswith("pipe:")})


@pytest.fixture
def server(raw):
    return lambda script: raw(script, port=7000)


def digest(data):
    return hashlib.sha256(data).hexdigest().encode()


def flood(contact):
    """Many bytes at once, then an end."""
    contact.sock.sendall(pattern(MUCH))


def stall(proxy, count):
    """Tunnels whose clients have read SOME and then no more, when nothing moves any longer."""
    held = [proxy.tunnel(TARGET) for _ in range(count)]
    for client in held:
        assert client.read(SOME) == pattern(MUCH)[:SOME]
    seen = None
    while seen != (seen := proxy.descriptor_names()):
        time.sleep(0.5)
    return held


def stall_until(proxy, open_pipes, count):
    """So many or more: a tunnel whose server was slow for a moment is not bulk."""
    held = stall(proxy, count)
    while pipes(proxy) < open_pipes and len(held) < 10 * (count + 1):
        held += stall(proxy, count // 2 + 1)
    assert pipes(proxy) == open_pipes
    return held


def test_much_each_way_at_once(proxy, server):
    def script(contact):
        sender = threading.Thread(target=flood, args=(contact,))
        sender.start()
        got = hashlib.sha256()
        while data := contact.sock.recv(MIB):
            got.update(data)
        sender.join()
        contact.sock.sendall(got.hexdigest().encode())

    server(script)
    client = proxy.tunnel(TARGET)
    sender = threading.Thread(target=lambda: client.send(pattern(MUCH)).half_close())
    sender.start()
    assert client.read_all() == pattern(MUCH) + digest(pattern(MUCH))
    sender.join()
    closed = proxy.record.wait(event="close")
    assert (closed["bytes_up"], closed["bytes_down"]) == (MUCH, MUCH + 64)
    assert closed["ended"] == "done"


def test_bulk_then_little_then_bulk(proxy, server):
    """A connection that is used again: each part arrives at once, though no end is behind it."""
    server(echo)
    client = proxy.tunnel(TARGET)
    for n in (2 * MIB, 1, 3, 100_000, 5, 2 * MIB, 7):
        sender = threading.Thread(target=client.send, args=(pattern(n),))
        sender.start()
        assert client.read(n) == pattern(n)
        sender.join()


def test_a_stalled_tunnel_holds_a_pipe_and_gives_it_back(proxy, path, server):
    server(flood)
    before = pipes(proxy)
    for client in stall_until(proxy, before + min(path.most, 1), 1):
        assert client.read_all() == pattern(MUCH)[SOME:]
        client.half_close()
    wire.wait_for(lambda: pipes(proxy) == before, message="no pipe more than at first")


def test_an_idle_tunnel_that_was_bulk_holds_two_descriptors(proxy, server):
    server(lambda contact: (flood(contact), contact.read_all()))
    client = proxy.tunnel(TARGET)
    assert client.read(MUCH) == pattern(MUCH)
    wire.wait_for(lambda: proxy.descriptors() == proxy.idle + 2, message="two descriptors")


def test_more_stalled_tunnels_than_pipes(proxy, path, server):
    """Those that find no pipe are copied, a newcomer is served, and nobody loses a byte."""
    server(flood)
    held = stall_until(proxy, pipes(proxy) + path.most, 40)
    assert held.pop(0).read_all() == pattern(MUCH)[SOME:]
    late = proxy.tunnel(TARGET)
    assert late.read_all() == pattern(MUCH)
    for client in held[:20]:
        client.abort()
    assert all(client.read_all() == pattern(MUCH)[SOME:] for client in held[20:])
    lines = proxy.record.wait_count(20, event="close")
    assert {line["verdict"] for line in lines} == {"allow"}


def test_a_reset_with_bytes_in_the_pipe(proxy, server):
    """Nothing of one tunnel is left for the next one."""
    server(flood)
    for _ in range(3):
        client, = stall(proxy, 1)
        client.abort()
        assert proxy.tunnel(TARGET).read_all() == pattern(MUCH)
    proxy.record.wait_count(3, event="close")


def test_with_few_descriptors(start, path, server):
    """Pipes are in the reserve: they take no place of a connection."""
    server(flood)
    proxy = start(unrestricted(), wrapper=["prlimit", "--nofile=64:64", *path.wrapper])
    held = stall(proxy, 10)
    late = proxy.tunnel(TARGET)
    assert late.read_all() == pattern(MUCH)
    assert all(client.read_all() == pattern(MUCH)[SOME:] for client in held)
