"""Name servers: dnsmasq for the honest names, and a scripted one for the others."""

import socket
import socketserver
import struct
import subprocess
import threading
from collections import Counter, namedtuple

from . import net
from .wire import wait_for

A, CNAME, AAAA = 1, 5, 28
FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 1, 2, 3, 4, 5

Query = namedtuple("Query", "name type")


def encode_name(name):
    labels = name.rstrip(".").split(".") if name else []
    return b"".join(bytes([len(p)]) + p.encode("latin-1") for p in labels) + b"\0"


def _read_question(packet):
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
        at += packet[at] + 1
    return ".".join(labels).lower(), struct.unpack_from(">H", packet, at + 1)[0], at + 5


class Dnsmasq:
    """dnsmasq with the records of lib.net and more; everything else does not exist."""

    def __init__(self, folder, more_hosts):
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "queries.log"
        hosts = folder / "hosts"
        table = {**net.HOSTS, **more_hosts}
        hosts.write_text("".join(f"{a} {name}\n" for name, all_ in table.items() for a in all_))
        command = ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv",
                   "--no-hosts", f"--addn-hosts={hosts}", f"--port={net.DNS_PORT}",
                   "--listen-address=127.0.0.1", "--bind-interfaces", "--log-queries",
                   f"--log-facility={self.log}", "--local=/#/", "--pid-file",
                   "--local-ttl=1"]
        command += [f"--cname={alias},{name}" for alias, name in net.CNAMES.items()]
        with open(folder / "stderr", "wb") as stderr:
            self.process = subprocess.Popen(command, stderr=stderr)
        wait_for(self._answers, message="answer from dnsmasq")

    def _answers(self):
        assert self.process.poll() is None, "dnsmasq ended"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            head = struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0)
            try:
                sock.sendto(head + encode_name("www.example.com") + struct.pack(">HH", A, 1),
                            ("127.0.0.1", net.DNS_PORT))
                return len(sock.recv(512)) > 12
            except OSError:
                return False

    def mark(self):
        """A place in the log, for queries()."""
        return self.log.stat().st_size

    def queries(self, since=0):
        """The queries since then, as text lines `query[A] name from ...`."""
        with open(self.log, "rb") as log:
            log.seek(since)
            lines = log.read().decode("latin-1").splitlines()
        return [line.split(": ", 1)[1] for line in lines if "query[" in line]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def record(owner, kind, data, ttl=0, length=None):
    """One resource record; data as bytes, or an address, or the name of a CNAME."""
    if kind == CNAME and isinstance(data, str):
        data = encode_name(data)
    elif isinstance(data, str):
        data = socket.inet_pton(socket.AF_INET6 if kind == AAAA else socket.AF_INET, data)
    owner = encode_name(owner) if isinstance(owner, str) else owner
    length = len(data) if length is None else length
    return owner + struct.pack(">HHIH", kind, 1, ttl, length) + data


class Answer:
    """What a scripted server says: addresses, or an error code, or nothing at all.

    chain: the names of a chain of CNAMEs, after the last of which the addresses stand.
    before, additional: records that stand before the others, and behind them.
    bend(packet, query) -> a packet or a list of packets: whatever else is wrong with it.
    over_tcp: another Answer for TCP.  elsewhere: by UDP, from another port.
    cut: so many bytes of what TCP should carry, then silence; 0 closes at once.
    """

    def __init__(self, *addresses, ttl=0, code=0, silent=False, truncated=False, raw=None,
                 cname=None, chain=(), before=(), additional=(), bend=None, over_tcp=None,
                 elsewhere=False, cut=None):
        self.addresses = addresses
        self.ttl = ttl
        self.code = code
        self.silent = silent
        self.truncated = truncated
        self.raw = raw
        self.chain = (cname,) if cname else chain
        self.before = before
        self.additional = additional
        self.bend = bend
        self.over_tcp = over_tcp
        self.elsewhere = elsewhere
        self.cut = cut

    def _records(self, name, kind):
        owner, records = name, list(self.before)
        for alias in self.chain:
            records.append(record(owner, CNAME, alias, self.ttl))
            owner = alias
        if owner == name:
            owner = b"\xc0\x0c"      # so that thousands of them fit
        for address in self.addresses:
            if (AAAA if ":" in address else A) == kind:
                records.append(record(owner, kind, address, self.ttl))
        return records

    def _packet(self, query, name, kind, tcp):
        truncated = self.truncated and not tcp
        answers = [] if truncated else self._records(name, kind)
        flags = 0x8180 | self.code | (0x0200 if truncated else 0)
        head = struct.pack(">HHHHH", flags, 1, len(answers), 0, len(self.additional))
        question = query[12:_read_question(query)[2]]
        return query[:2] + head + question + b"".join([*answers, *self.additional])

    def packets(self, query, name, kind, tcp):
        """The messages to send, in order."""
        if self.silent:
            return []
        if self.raw is not None:
            return [query[:2] + self.raw]
        packet = self._packet(query, name, kind, tcp)
        bent = self.bend(packet, query) if self.bend else packet
        return bent if isinstance(bent, list) else [bent]


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


def _same_port(address, port, over_tcp, over_udp):
    """A TCP and a UDP server on one port; the one a pick finds free may be taken in the other."""
    for _ in range(20):
        tcp = _Tcp((address, port), over_tcp)
        try:
            return tcp, socketserver.ThreadingUDPServer(tcp.server_address, over_udp)
        except OSError:
            tcp.server_close()
    raise AssertionError("no port that is free for both UDP and TCP")


class ScriptedDns:
    """A name server whose answers a function decides: script(name, type, nth) -> Answer.

    nth counts the queries for that name and type, from 0.  Port 0 picks one.
    """

    def __init__(self, script, address="127.0.0.1", port=0):
        self.script = script
        self.queries = []
        self.sources = []       # of the queries by UDP: (port, id)
        self.by_tcp = []
        self._asked = Counter()
        self._lock = threading.Lock()
        outer = self

        class OverUdp(socketserver.BaseRequestHandler):
            def handle(self):
                packet, sock = self.request
                answer, replies = outer._reply(packet, self.client_address[1], tcp=False)
                if answer.elsewhere:
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                        outer._send(sock, replies, self.client_address)
                else:
                    outer._send(sock, replies, self.client_address)

        class OverTcp(socketserver.BaseRequestHandler):
            def handle(self):
                while head := self.request.recv(2, socket.MSG_WAITALL):
                    packet = self.request.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL)
                    answer, replies = outer._reply(packet, None, tcp=True)
                    whole = b"".join(struct.pack(">H", len(r)) + r for r in replies)
                    self.request.sendall(whole[:answer.cut])
                    if answer.cut == 0:
                        return

        self._tcp, self._udp = _same_port(address, port, OverTcp, OverUdp)
        self.address, self.port = self._udp.server_address
        for server in (self._udp, self._tcp):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def server(self):
        return f"{self.address}:{self.port}"

    @staticmethod
    def _send(sock, replies, client):
        for reply in replies:
            sock.sendto(reply, client)

    def _reply(self, packet, port, tcp):
        name, kind, _ = _read_question(packet)
        with self._lock:
            query = Query(name, kind)
            nth = self._asked[query]
            self._asked[query] += 1
            self.queries.append(query)
            if tcp:
                self.by_tcp.append(query)
            else:
                self.sources.append((port, struct.unpack(">H", packet[:2])[0]))
        answer = self.script(name, kind, nth)
        if tcp and answer.over_tcp:
            answer = answer.over_tcp
        return answer, answer.packets(packet, name, kind, tcp)

    def count(self, name, kind=A):
        return self._asked[Query(name, kind)]

    def stop(self):
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()
