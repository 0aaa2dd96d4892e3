"""HTTP messages as the proxy writes them, taken apart; chunks, which fall as reads fell, joined."""

import re
from collections import namedtuple

Message = namedtuple("Message", "head body whole")

CHUNKED = b"\r\nTransfer-Encoding: chunked"
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)")


def dechunked(data):
    """(the data of these chunks, is the last one there?, what follows)"""
    body = b""
    while b"\r\n" in data:
        size, _, rest = data.partition(b"\r\n")
        n = int(size, 16)
        if n == 0:
            return body, rest.startswith(b"\r\n"), rest[2:]
        body, data = body + rest[:n], rest[n + 2:]
    return body, False, b""


def first(data, bodyless=False):
    """(the first message of the data, the rest).  Without framing a response goes on to the end."""
    head, end, rest = bytes(data).partition(b"\r\n\r\n")
    response = head.startswith(b"HTTP/")
    length = LENGTH.search(head)
    if bodyless or re.match(rb"HTTP/1\.1 (1|204|304)", head):
        return Message(head, b"", bool(end)), rest
    if CHUNKED in head:
        body, whole, rest = dechunked(rest)
        return Message(head, body, whole), rest
    if length or not response:
        n = int(length[1]) if length else 0
        return Message(head, rest[:n], bool(end) and len(rest) >= n), rest[n:]
    return Message(head, rest, bool(end)), b""


def messages(data, bodyless=False):
    """All of them; bodyless: the first final one answers a HEAD."""
    out = []
    while data:
        message, data = first(data, bodyless)
        bodyless = bodyless and message.head.startswith(b"HTTP/1.1 1")
        out.append(message)
    return out
