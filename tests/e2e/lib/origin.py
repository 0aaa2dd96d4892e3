"""The web server behind the proxy: https on 443 and http on 80 of the public addresses.

Remembers every connection and request, so that a test can say "no contact".
"""

import hashlib
import http.server
import json
import os
import socket
import socketserver
import subprocess
import threading
import time
from collections import namedtuple

from . import net

Request = namedtuple("Request", "method path host fields scheme")
PATTERN = bytes(range(251)) * 4180          # about a megabyte that no power of two divides


def pattern(n):
    return (PATTERN * (n // len(PATTERN) + 1))[:n]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "origin"
    timeout = 30

    def log_message(self, *_):
        pass

    def _answer(self, status, body=b"", kind="application/octet-stream", fields=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _body(self):
        """The request's body as an iterator of blocks."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return
        left = int(self.headers.get("Content-Length", 0))
        while left > 0:
            block = self.rfile.read(min(left, 1 << 16))
            if not block:
                return
            left -= len(block)
            yield block

    def dispatch(self):
        fields = [(n.lower(), v) for n, v in self.headers.items()]
        origin = self.server.origin
        origin.requests.append(Request(self.command, self.path, self.headers.get("Host"), fields,
                                       self.server.scheme))
        first = self.path.split("?")[0].strip("/").split("/")[0]
        known = {"echo": self._echo, "bytes": self._bytes, "chunked": self._chunked,
                 "status": self._status, "slow": self._slow, "git": self._git}
        known.get(first, self._file)()

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = dispatch

    def _echo(self):
        digest, length = hashlib.sha256(), 0
        for block in self._body():
            digest.update(block)
            length += len(block)
        seen = {"method": self.command, "path": self.path, "scheme": self.server.scheme,
                "fields": [[n.lower(), v] for n, v in self.headers.items()],
                "sha256": digest.hexdigest(), "length": length}
        self._answer(200, json.dumps(seen).encode(), "application/json")

    def _bytes(self):
        self._answer(200, pattern(int(self.path.split("/")[2])))

    def _chunked(self):
        """/chunked/COUNT: that many chunks of 1000 bytes."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Trailer", "X-Sum")
        self.end_headers()
        for _ in range(int(self.path.split("/")[2])):
            self.wfile.write(b"3e8;note=\"x\"\r\n" + PATTERN[:1000] + b"\r\n")
        self.wfile.write(b"0\r\nX-Sum: 1\r\n\r\n")

    def _status(self):
        status = int(self.path.split("/")[2])
        if status in (204, 304):
            self.send_response(status)
            self.send_header("ETag", '"e2e"')
            self.end_headers()
        else:
            self._answer(status, b"status\n", "text/plain")

    def _slow(self):
        time.sleep(int(self.path.split("/")[2]) / 1000)
        self._answer(200, b"slow\n", "text/plain")

    def _file(self):
        folder = self.server.origin.folder
        path = (folder / self.path.split("?")[0].lstrip("/")).resolve()
        if path.is_dir() and not self.path.endswith("/"):
            return self._answer(301, fields=[("Location", self.path + "/")])
        if path.is_dir():
            path = path / "index.html"
        if folder not in path.parents or not path.is_file():
            return self._answer(404, b"no such file\n", "text/plain")
        kinds = {".html": "text/html", ".json": "application/json"}
        return self._answer(200, path.read_bytes(),
                            kinds.get(path.suffix, "application/octet-stream"))

    def _git(self):
        """git http-backend as a CGI program (gitprotocol-http(5))."""
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.server.origin.folder),
            "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
            "REQUEST_METHOD": self.command, "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        done = subprocess.run(["git", "http-backend"], input=b"".join(self._body()),
                              env=environment, capture_output=True, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        status = next((int(v.split()[0]) for n, v in fields if n == "Status"), 200)
        kind = next((v for n, v in fields if n == "Content-Type"), "text/plain")
        self._answer(status, body, kind)


class _Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    tls = None

    def __init__(self, origin, address, port, tls):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.origin, self.tls = origin, tls
        self.scheme = "https" if tls else "http"
        super().__init__((address, port), Handler)

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "origin", self.server_address[1]

    def process_request_thread(self, request, client_address):
        self.origin.contacts.append((request.getsockname()[0], self.server_port))
        try:
            if self.tls:
                request.settimeout(10)
                request = self.tls.wrap_socket(request, server_side=True)
        except OSError:
            request.close()
            return
        super().process_request_thread(request, client_address)

    def handle_error(self, request, client_address):
        pass        # clients that go away are part of the tests


class Origin:
    def __init__(self, folder, authority):
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.contacts = []      # (local address, port) of every connection
        self.requests = []
        tls = authority.server_context()
        places = (net.ORIGIN, net.ORIGIN_OTHER, net.ORIGIN_V6, net.NAT64_ORIGIN, net.LITERAL)
        self._listeners = [_Listener(self, address, port, tls if port == 443 else None)
                           for address in places for port in (80, 443)]
        for listener in self._listeners:
            threading.Thread(target=listener.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self):
        for listener in self._listeners:
            listener.shutdown()
            listener.server_close()


class Traps:
    """Listeners on addresses that must never be contacted."""

    def __init__(self):
        self.contacts = []
        self._sockets = []
        for address in net.TRAPS:
            for port in (80, 443):
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                sock = socket.create_server((address, port), family=family)
                self._sockets.append(sock)
                threading.Thread(target=self._accept, args=(sock,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self.contacts.append(sock.getsockname()[:2])
            sock.close()

    def stop(self):
        for sock in self._sockets:
            sock.close()
