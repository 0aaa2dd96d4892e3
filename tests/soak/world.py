"""The servers of the soak: origins that work, origins that fail, names that lie."""

import socket
import socketserver
import ssl
import struct
import threading

from lib import dns, net, raw

ECHO = net.PUBLIC_V4 + "20"
TLS = net.PUBLIC_V4 + "21"
WEB = net.PUBLIC_V4 + "22"
RESETS = net.PUBLIC_V4 + "23"
ENDS = net.PUBLIC_V4 + "24"

# The first label of a name says where it leads, or how its server fails.
ADDRESSES = {
    "echo": ECHO, "maybe": ECHO, "torn": ECHO, "tls": TLS, "web": WEB,
    "resets": RESETS, "ends": ENDS, "refuses": net.NOBODY, "stalls": net.SILENT,
}
FAILURES = {
    "silent": dns.Answer(silent=True),
    "servfail": dns.Answer(code=dns.SERVFAIL),
    "garbage": dns.Answer(raw=b"\x81\x80\0\1\377\377\0\0\0\0\300\14garbage"),
}
NOT_FOUND = dns.Answer(code=dns.NXDOMAIN)


def names(name, _kind, _nth):
    """The script of the name server."""
    first = name.split(".")[0]
    if first in ADDRESSES:
        return dns.Answer(ADDRESSES[first], ttl=2)
    return FAILURES.get(first, NOT_FOUND)


def echo(sock):
    while data := sock.recv(65536):
        sock.sendall(data)


def reset(sock):
    sock.recv(65536)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def end(sock):
    sock.recv(65536)


def read_head(sock, held):
    while b"\r\n\r\n" not in held:
        data = sock.recv(65536)
        if not data:
            return None, b""
        held += data
    head, _, rest = held.partition(b"\r\n\r\n")
    return head, rest


def web(sock):
    """One request after another: the answer is the request's body, or its path as often as asked."""
    held = b""
    while True:
        head, held = read_head(sock, held)
        if head is None:
            return
        line, *fields = head.decode("latin-1").split("\r\n")
        sizes = [int(f.split(":")[1]) for f in fields if f.lower().startswith("content-length:")]
        size = sizes[0] if sizes else 0
        while len(held) < size:
            held += sock.recv(65536)
        body, held = held[:size], held[size:]
        body = body or line.split(" ")[1].encode() * 40
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def over_tls(context, script):
    def run(sock):
        with context.wrap_socket(sock, server_side=True) as wrapped:
            script(wrapped)
    return run


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, address, port, script):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    script(self.request)
                except (OSError, ssl.SSLError):
                    pass        # the client's fault, on purpose

        super().__init__((address, port), Handler)
        threading.Thread(target=self.serve_forever, args=(0.2,), daemon=True).start()

    def shutdown_request(self, request):
        self.close_request(request)     # a reset stays a reset


def servers(authority):
    """Start them all; the functions that stop them."""
    context = authority.server_context()
    started = [Server(ECHO, 80, echo), Server(TLS, 443, over_tls(context, echo)),
               Server(WEB, 80, web), Server(RESETS, 80, reset), Server(ENDS, 80, end)]
    return [*(s.shutdown for s in started), raw.FullServer(net.SILENT, 80).stop]
