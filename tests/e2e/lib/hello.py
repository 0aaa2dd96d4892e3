"""ClientHello messages built by hand (RFC 8446 4.1.2), to say exactly what a test needs."""

import struct

ACCESS_DENIED = 49      # RFC 8446 6.2
ALERT_SIZE = 7
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
CHANGE_CIPHER_SPEC = b"\x14\x03\x03\x00\x01\x01"
WARNING = b"\x15\x03\x03\x00\x02\x01\x70"      # unrecognized_name


def u16(n):
    return struct.pack(">H", n)


def vector8(data):
    return bytes([len(data)]) + data


def vector16(data):
    return u16(len(data)) + data


def extension(kind, data):
    return u16(kind) + vector16(data)


def server_name(*names):
    entries = b"".join(b"\0" + vector16(n.encode("latin-1")) for n in names)
    return extension(0, vector16(entries))


def encrypted_client_hello():
    """An outer one (RFC 9849 5), as GREASE looks too."""
    return extension(0xFE0D, b"\0" + u16(1) + u16(1) + b"\x42" + vector16(b"e" * 32)
                     + vector16(b"p" * 160))


def client_hello(sni=None, ech=False, alpn=(), padding=0, share=b"\x1d", extra=b""):
    """The handshake message, without records.  share: the last byte of the group."""
    extensions = b""
    if sni is not None:
        extensions += server_name(sni)
    extensions += extension(10, vector16(u16(0x1D) + u16(0x17) + u16(0x18)))
    extensions += extension(13, vector16(u16(0x0403) + u16(0x0804)))
    extensions += extension(43, vector8(u16(0x0304)))
    key = b"k" * {b"\x1d": 32, b"\x17": 65, b"\x18": 97}[share]
    extensions += extension(51, vector16(b"\0" + share + vector16(key)))
    if alpn:
        extensions += extension(16, vector16(b"".join(vector8(a.encode()) for a in alpn)))
    if ech:
        extensions += encrypted_client_hello()
    extensions += extra
    if padding:
        extensions += extension(21, bytes(padding))
    body = u16(0x0303) + b"r" * 32 + vector8(b"s" * 32)
    body += vector16(u16(0x1301) + u16(0x1302) + u16(0x1303)) + vector8(b"\0")
    body += vector16(extensions)
    return b"\x01" + struct.pack(">I", len(body))[1:] + body


def records(message, size=16384, version=0x0301):
    """The message cut into handshake records of at most size bytes each."""
    out = b""
    for at in range(0, len(message), size):
        out += b"\x16" + u16(version) + vector16(message[at:at + size])
    return out


def hello(sni=None, **how):
    return records(client_hello(sni, **how))


def retry_request():
    """A HelloRetryRequest: a ServerHello with this very random (RFC 8446 4.1.3)."""
    body = u16(0x0303) + RETRY_RANDOM + vector8(b"s" * 32) + u16(0x1301) + b"\0"
    body += vector16(extension(43, u16(0x0304)) + extension(51, u16(0x18)))
    return records(b"\x02" + struct.pack(">I", len(body))[1:] + body, version=0x0303)


def is_access_denied(data):
    """Is this exactly one fatal access_denied alert?"""
    return (len(data) == ALERT_SIZE and data[:2] == b"\x15\x03" and data[2] in (1, 3)
            and data[3:] == bytes([0, 2, 2, ACCESS_DENIED]))


def patched(data, old, new):
    """Change a name inside a hello without changing any length."""
    assert len(old) == len(new) and data.count(old.encode()) == 1
    return data.replace(old.encode(), new.encode())
