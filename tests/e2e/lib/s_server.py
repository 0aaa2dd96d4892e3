"""A real `openssl s_server` behind a relay, which sees what reaches it."""

import contextlib
import socket
import subprocess
import threading

from .wire import wait_for

PORT = 4433


class SServer:
    """Listens on a loopback port that only the relay uses; answers a line reversed."""

    def __init__(self, authority, *options):
        certificate = ["-cert", str(authority.certificate), "-key", str(authority.key)]
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{PORT}", *certificate, *options,
             "-rev", "-quiet"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        wait_for(self._listens, message="openssl s_server")

    def _listens(self):
        assert self.process.poll() is None, "openssl s_server ended"
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", PORT)) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    @staticmethod
    def relay(contact):
        """A script of a RawServer, which remembers what the client side said."""
        inner = socket.create_connection(("127.0.0.1", PORT))

        def back():
            try:
                while data := inner.recv(65536):
                    contact.sock.sendall(data)
                contact.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        thread = threading.Thread(target=back, daemon=True)
        thread.start()
        try:
            while data := contact.read_some():
                inner.sendall(data)
            inner.shutdown(socket.SHUT_WR)
            thread.join(5)
        except OSError:
            pass
        # s_server has one client at a time, and a close does not wake the thread.
        with contextlib.suppress(OSError):
            inner.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        inner.close()
