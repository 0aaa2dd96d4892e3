"""Servers that do on a raw socket what a test tells them, and remember what they read."""

import socket
import threading

from .wire import TIMEOUT, wait_for


class Contact:
    """One accepted connection."""

    def __init__(self, sock):
        self.sock = sock
        self.received = b""
        self.ended = False      # the client has sent its last byte
        self.reset = False

    def read_some(self):
        """More bytes, or b"" at the end."""
        got = self.sock.recv(65536)
        self.received += got
        self.ended = self.ended or not got
        return got

    def read_until(self, mark):
        while mark not in self.received:
            if not self.read_some():
                break
        return self.received

    def read_all(self):
        while self.read_some():
            pass
        return self.received


def absorb(contact):
    """Read until the client ends, say nothing."""
    contact.read_all()


def echo(contact):
    while data := contact.read_some():
        contact.sock.sendall(data)


def speak(*parts, then_read=False):
    """Say this after the first bytes (or the whole head of a request) have come."""
    def script(contact):
        contact.read_until(b"\r\n\r\n")
        for part in parts:
            contact.sock.sendall(part)
        if then_read:
            contact.read_all()
    return script


def greet(*parts):
    """Speak first, as SSH and SMTP servers do; then echo."""
    def script(contact):
        for part in parts:
            contact.sock.sendall(part)
        echo(contact)
    return script


class RawServer:
    """Listens on one address and port; each connection runs script(contact) in a thread."""

    def __init__(self, address, port, script=absorb, backlog=1024):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.contacts = []
        self.script = script
        self.address, self.port = address, port
        self._sock = socket.create_server((address, port), family=family, backlog=backlog)
        self.port = self._sock.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:
                return
            contact = Contact(sock)
            self.contacts.append(contact)
            threading.Thread(target=self._run, args=(contact,), daemon=True).start()

    def _run(self, contact):
        try:
            self.script(contact)
        except ConnectionResetError:
            contact.reset = True
        except OSError:
            pass
        finally:
            contact.sock.close()

    def contact(self, nth=0, timeout=TIMEOUT):
        """The nth connection, waiting for it."""
        wait_for(lambda: len(self.contacts) > nth, timeout, message="connection to the server")
        return self.contacts[nth]

    def stop(self):
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self._thread.join(5)
        for contact in self.contacts:
            contact.sock.close()


class FullServer:
    """Its queue of connections is full, so that a SYN is never answered."""

    def __init__(self, address, port):
        self._listener = socket.create_server((address, port), backlog=0)
        self._fillers = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex((address, port))
            self._fillers.append(sock)

    def stop(self):
        for sock in [*self._fillers, self._listener]:
            sock.close()
