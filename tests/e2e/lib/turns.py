"""Hundreds of conversations at once in one thread, and writes that are really two.

A conversation is a generator.  It yields a socket to wait until there is something to read,
or a function to wait until that is true.
"""

import fcntl
import os
import select
import socket
import struct
import termios
import time
from collections import deque


class Turns:
    """Runs conversations, at most `width` of them at once, and helpers without end."""

    def __init__(self, width=64):
        self.width = width
        self._epoll = select.epoll()
        self._reading = {}      # descriptor: conversation
        self._asking = []       # (function, conversation)
        self._ready = deque()
        self._counted = set()   # conversations that run() waits for

    def spawn(self, conversation):
        """One that run() does not wait for: a listener, what it accepted."""
        self._ready.append(conversation)

    def run(self, conversations, timeout):
        """Run all of these to their end."""
        deadline = time.monotonic() + timeout
        conversations = iter(conversations)
        more = True
        while more or self._counted:
            while more and len(self._counted) < self.width:
                conversation = next(conversations, None)
                more = conversation is not None
                if more:
                    self._counted.add(conversation)
                    self._ready.append(conversation)
            self._turn()
            assert time.monotonic() < deadline, f"{len(self._counted)} conversations hang"

    def settle(self, condition, timeout):
        """Go on with the helpers until the condition is true; is it?"""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._turn()
        return True

    def close(self):
        for conversation in [*self._reading.values(), *self._ready,
                             *(conversation for _, conversation in self._asking)]:
            conversation.close()
        self._epoll.close()

    def _turn(self):
        asked, self._asking = self._asking, []
        for condition, conversation in asked:
            if condition():
                self._ready.append(conversation)
            else:
                self._asking.append((condition, conversation))
        idle = not self._ready
        if idle and self._asking:
            os.sched_yield()
        for descriptor, _ in self._epoll.poll(0 if self._asking or not idle else 0.05):
            self._ready.append(self._reading.pop(descriptor))
            self._epoll.unregister(descriptor)
        for _ in range(len(self._ready)):
            self._step(self._ready.popleft())

    def _step(self, conversation):
        try:
            wish = next(conversation)
        except StopIteration:
            self._counted.discard(conversation)
            return
        if callable(wish):
            self._asking.append((wish, conversation))
        else:
            self._reading[wish.fileno()] = conversation
            self._epoll.register(wish.fileno(), select.EPOLLIN)


# Was it read?

SOCK_DIAG_BY_FAMILY, NLMSG_ERROR, ANY_COOKIE = 20, 2, 0xFFFFFFFF


class Reader:
    """Says whether the program at the other end has read all that was sent to it.

    Of a Unix socket SIOCOUTQ says it.  Of TCP it only says what the other kernel has; how
    much of that the program has not read yet is known to sock_diag(7), asked for exactly
    the other end of the connection.
    """

    def __init__(self):
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)  # NETLINK_SOCK_DIAG
        self._netlink.settimeout(5)

    def close(self):
        self._netlink.close()

    def knows_tcp(self):
        """Not every kernel has sock_diag: try it on a byte that nobody reads."""
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as near:
            near.connect(listener.getsockname())
            far, _ = listener.accept()
            with far:
                near.send(b"x")
                return self._unread(near.getpeername(), near.getsockname()) == 1

    def has_read(self, sock):
        try:
            there = sock.getpeername()
        except OSError:     # reset: nobody will read any more
            return True
        if struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0] > 0:
            return False
        return sock.family == socket.AF_UNIX or self._unread(there, sock.getsockname()) == 0

    def _unread(self, here, there):
        """Bytes in the receive queue of the socket that is `here`; 0 when there is none."""
        ends = struct.pack(">HH", here[1], there[1])
        ends += socket.inet_aton(here[0]).ljust(16, b"\0")
        ends += socket.inet_aton(there[0]).ljust(16, b"\0")
        request = struct.pack("=BBxxI", socket.AF_INET, socket.IPPROTO_TCP, 0xFFFFFFFF) + ends
        request += struct.pack("=III", 0, ANY_COOKIE, ANY_COOKIE)
        self._netlink.send(struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, 1, 1, 0)
                           + request)
        reply = self._netlink.recv(65536)
        if struct.unpack_from("=IH", reply)[1] == NLMSG_ERROR:
            return 0
        return struct.unpack_from("=I", reply, 16 + 56)[0]      # inet_diag_msg.idiag_rqueue


def send(sock, data, reader):
    """Send all of it, and wait until it was read.  A peer that is gone has read enough."""
    while data:
        try:
            data = data[sock.send(data):]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            return
        yield lambda: reader.has_read(sock)


class Server:
    """A listener whose connections each run talk(sock, received); received: of each connection."""

    def __init__(self, work, address):
        self.work = work
        self.address = address
        self.received = []
        self.open = 0
        self._listeners = []

    def listen(self, port, talk):
        listener = socket.create_server((self.address, port), backlog=4096)
        listener.setblocking(False)
        self._listeners.append(listener)
        self.work.spawn(self._accept(listener, talk))

    def _accept(self, listener, talk):
        while True:
            yield listener
            sock, _ = listener.accept()
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.received.append(bytearray())
            self.open += 1
            self.work.spawn(self._serve(sock, talk, self.received[-1]))

    def _serve(self, sock, talk, received):
        try:
            yield from talk(sock, received)
        except OSError:
            pass
        self.open -= 1
        sock.close()

    def settled(self, connections, timeout):
        """So many connections have come to their end."""
        return self.work.settle(
            lambda: len(self.received) >= connections and self.open == 0, timeout)

    def close(self):
        for listener in self._listeners:
            listener.close()


def receive(sock, into, until=lambda: False):
    """Append to the bytearray until that is true, or the other side ends.  Resets raise."""
    while not until():
        yield sock
        got = sock.recv(65536)
        if not got:
            return
        into += got


class Clients:
    """Connections to a proxy: over TCP each from a loopback address of its own."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.addresses = 1 << 16

    def next_address(self):
        self.addresses += 1
        n = self.addresses
        return f"127.{n >> 16}.{n >> 8 & 255}.{n & 255}"

    def dial(self, source):
        """From this address; "unix": to the second listener."""
        if source == "unix":
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(self.proxy.listener(1))
        else:
            sock = socket.create_connection(self.proxy.where, source_address=(source, 0))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        return sock


# Where to cut.

def pieces_of(data, cuts):
    edges = [0, *cuts, len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:])]


def byte_by_byte(data, sparse):
    """One-byte pieces; what is far behind in a huge case comes in pieces of 509."""
    most = 256 if sparse else 1024
    return pieces_of(data, [*range(1, min(len(data), most)), *range(most, len(data), 509)])


def offsets(size, random, sparse):
    """Every place to cut up to 512 and 64 beyond; sparse: the first 64, each 8th, 16 beyond.

    Sanitizers are ten times slower, and what they look for is not in single offsets.
    """
    near = range(1, min(size, 513))
    far = range(513, size)
    if sparse:
        near = [at for at in near if at <= 64 or at % 8 == 0]
    return [*near, *sorted(random.sample(far, min(len(far), 16 if sparse else 64)))]
