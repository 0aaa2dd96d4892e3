"""Raw sockets towards the proxy: what was sent is exactly what the test wrote."""

import json
import re
import socket
import struct
import time
import weakref

TIMEOUT = 30.0          # a test that hangs; a busy machine with sanitizers takes its time

_open = weakref.WeakSet()


def close_all():
    """Close whatever a test left open, so that the proxy can come to rest."""
    for wire in list(_open):
        wire.close()


class Response:
    """One response head and, once read, its body."""

    def __init__(self, head):
        self.head = head
        lines = head.decode("latin-1").split("\r\n")
        self.version, status, *phrase = lines[0].split(" ", 2)
        self.status = int(status)
        self.phrase = phrase[0] if phrase else ""
        self.fields = []
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(":")
                self.fields.append((name.lower(), value.strip()))
        self.body = b""

    def all(self, name):
        return [v for n, v in self.fields if n == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    @property
    def reason(self):
        """The word of the list of reasons, from Proxy-Status, which every refusal has."""
        found = re.search(r'details="(\w+)"', self.get("proxy-status", ""))
        return found and found[1]

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.phrase!r} {self.body[:120]!r}>"


class Wire:
    """A connected socket with a buffer."""

    def __init__(self, sock):
        sock.settimeout(TIMEOUT)
        self.sock = sock
        self.buffer = b""
        _open.add(self)

    def send(self, data):
        self.sock.sendall(data)
        return self

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass

    def abort(self):
        """Close with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def _fill(self):
        got = self.sock.recv(65536)
        self.buffer += got
        return len(got) > 0

    def read(self, n):
        """Exactly n bytes."""
        while len(self.buffer) < n:
            assert self._fill(), f"ended after {self.buffer!r}, wanted {n} bytes"
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def read_some(self):
        """What there is, at least a byte; b"" at the end."""
        if not self.buffer:
            self._fill()
        out, self.buffer = self.buffer, b""
        return out

    def read_until(self, mark):
        while mark not in self.buffer:
            assert self._fill(), f"ended before {mark!r}: {self.buffer!r}"
        at = self.buffer.index(mark) + len(mark)
        out, self.buffer = self.buffer[:at], self.buffer[at:]
        return out

    def read_all(self):
        """Everything until the other side ends its direction."""
        while self._fill():
            pass
        out, self.buffer = self.buffer, b""
        return out

    def ended(self):
        """True when the other side has ended without another byte."""
        return self.read_all() == b""

    def cut(self, within=TIMEOUT):
        """The bytes until the end or a reset, whichever comes: for tunnels that are cut."""
        self.sock.settimeout(within)
        try:
            return self.read_all()
        except ConnectionResetError:
            out, self.buffer = self.buffer, b""
            return out

    def quiet(self, seconds):
        """True when nothing arrives for so long."""
        if self.buffer:
            return False
        self.sock.settimeout(seconds)
        try:
            self._fill()
            return False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(TIMEOUT)

    def response_head(self):
        return Response(self.read_until(b"\r\n\r\n"))

    def response(self, method="GET"):
        """A whole response; interim ones are returned like any other, without body."""
        got = self.response_head()
        if method == "HEAD" or got.status < 200 or got.status in (204, 304):
            return got
        if method == "CONNECT" and got.status == 200:
            return got
        if got.get("transfer-encoding", "").lower() == "chunked":
            got.body = self.read_chunked()
        elif got.get("content-length") is not None:
            got.body = self.read(int(got.get("content-length")))
        else:
            got.body = self.read_all()
        return got

    def read_chunked(self):
        body = b""
        while True:
            size = int(self.read_until(b"\r\n").split(b";")[0], 16)
            body += self.read(size)
            if size == 0:
                assert self.read_until(b"\r\n") == b"\r\n"
                return body
            assert self.read(2) == b"\r\n"


def dial(where):
    """Connect to (host, port), or to the path of a Unix socket."""
    if isinstance(where, str):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(TIMEOUT)
        sock.connect(where)
        return Wire(sock)
    sock = socket.create_connection(where, timeout=TIMEOUT)
    if sock.getsockname() == sock.getpeername():
        sock.close()    # nobody listens, and Linux has connected the socket to itself
        raise ConnectionRefusedError(f"{where}: nobody listens")
    return Wire(sock)


def connect_head(target, version="1.1", fields=()):
    if isinstance(target, str):
        target = target.encode("latin-1")
    lines = [b"CONNECT " + target + b" HTTP/" + version.encode()]
    if version == "1.1":
        lines.append(b"Host: proxy.example.com")
    lines += [f.encode("latin-1") for f in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def connect(where, target, after=b"", version="1.1", fields=()):
    """Ask for a tunnel, with bytes right behind the head; the wire and the answer."""
    wire = dial(where)
    wire.send(connect_head(target, version, fields) + after)
    return wire, wire.response("CONNECT")


def tunnel(where, target, after=b""):
    """A tunnel that must be given."""
    wire, answer = connect(where, target, after)
    assert answer.status == 200, answer
    return wire


def ask(where, url, method="GET", fields=(), body=b"", version="1.1", host=None):
    """One forwarded http:// request on a connection of its own."""
    wire = dial(where)
    wire.send(request(url, method, fields, body, version, host))
    answer = wire.response(method)
    wire.close()
    return answer


def request(url, method="GET", fields=(), body=b"", version="1.1", host=None):
    if host is None:
        host = url.split("/")[2].rpartition("@")[2]
    lines = [f"{method} {url} HTTP/{version}", f"Host: {host}", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def wait_for(what, timeout=TIMEOUT, every=0.02, message="condition"):
    """Poll until what() is true; returns its value."""
    deadline = time.monotonic() + timeout
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline, f"no {message} within {timeout} s"
        time.sleep(every)
