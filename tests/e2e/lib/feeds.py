"""A server of block lists over https, each path of which answers as a test tells it."""

import http.server
import socketserver
import threading
from collections import namedtuple

from . import net

Asked = namedtuple("Asked", "path fields")


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def do_GET(self):
        feeds = self.server.feeds
        feeds.asked.append(Asked(self.path, {n.lower(): v for n, v in self.headers.items()}))
        feeds.pages.get(self.path, status(404))(self)

    def head(self, code, **fields):
        self.send_response(code)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def whole(self, code, body, **fields):
        self.head(code, Content_Length=len(body), **fields)
        self.wfile.write(body)


def page(text, **fields):
    """The list, with fields such as ETag='"1"'; 304 for who says that he has this version."""
    body = text if isinstance(text, bytes) else text.encode()

    def answer(handler):
        known = handler.headers.get("If-None-Match"), handler.headers.get("If-Modified-Since")
        same = "ETag" in fields and known[0] == fields["ETag"]
        same = same or ("ETag" not in fields and "Last_Modified" in fields and
                        known[1] == fields["Last_Modified"])
        if same:
            handler.head(304, **fields)
        else:
            handler.whole(200, body, **fields)
    return answer


def status(code, **fields):
    return lambda handler: handler.whole(code, b"", **fields)


def redirect(url, code=302):
    return status(code, Location=url)


def cut(text):
    """Half of what was announced."""
    def answer(handler):
        handler.head(200, Content_Length=2 * len(text))
        handler.wfile.write(text.encode())
        handler.close_connection = True
    return answer


def chunks(*parts, end=b"0\r\n\r\n", hold=None, **fields):
    """Nobody knows how much it will be; with hold, nothing more comes before that is set."""
    def answer(handler):
        handler.head(200, Transfer_Encoding="chunked", **fields)
        for part in parts:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        if hold:
            hold.wait(600)
        handler.wfile.write(end)
        handler.close_connection = not end
    return answer


def stalled(begun, go_on, first="", rest=""):
    """Some of it; then it says so, and waits until it is told to go on."""
    def answer(handler):
        handler.head(200, Content_Length=len(first) + len(rest))
        handler.wfile.write(first.encode())
        handler.wfile.flush()
        begun.set()
        go_on.wait(600)
        handler.wfile.write(rest.encode())
    return answer


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        pass        # clients that go away are part of the tests

    def finish_request(self, request, client_address):
        request.settimeout(60)
        with self.tls.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)


class Feeds:
    def __init__(self, authority, address=net.RAW):
        self.pages = {}
        self.asked = []
        self.url = f"https://{address}"
        self._server = _Server((address, 443), _Handler)
        self._server.tls = authority.server_context()
        self._server.feeds = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
