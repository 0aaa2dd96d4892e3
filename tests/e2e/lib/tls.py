"""A certificate authority of the test session, and TLS contexts that trust it."""

import ssl
import subprocess


def _openssl(*arguments, folder):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class Authority:
    """A CA and one server certificate for all names, made with the openssl command."""

    def __init__(self, folder, names, addresses):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.certificate = folder / "server.pem"
        self.key = folder / "server.key"
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        _openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
                 "-subj", "/CN=Sluice test CA", folder=folder)
        _openssl("req", *new_key, "-keyout", "server.key", "-out", "server.csr",
                 "-subj", "/CN=www.example.com", folder=folder)
        alternatives = [f"DNS:{n}" for n in names] + [f"IP:{a}" for a in addresses]
        (folder / "server.ext").write_text("subjectAltName = " + ",".join(alternatives) + "\n")
        _openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                 "-CAcreateserial", "-out", "server.pem", "-days", "2", "-extfile", "server.ext",
                 folder=folder)

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_context(self):
        return ssl.create_default_context(cafile=self.ca)

    def wrap(self, wire, name):
        """TLS inside a tunnel; the wire's socket becomes the TLS one."""
        assert not wire.buffer, "the server spoke before the handshake"
        wire.sock = self.client_context().wrap_socket(wire.sock, server_hostname=name)
        return wire


class MemoryClient:
    """A TLS client whose bytes the test carries, and may change on the way."""

    def __init__(self, context, name):
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def step(self):
        """Go on with the handshake; (finished, bytes to send)."""
        try:
            self.tls.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            done = False
        return done, self.outgoing.read()

    def feed(self, data):
        self.incoming.write(data)
