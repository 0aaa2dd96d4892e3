"""The cases of tests/cases/hostile, read: tests/cases/hostile/README says how they are written."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from . import hello

FOLDER = Path(__file__).resolve().parents[2] / "cases" / "hostile"
TITLE = re.compile(r"((?:[A-Z]\d+ )+) (.+?) : (.+)")
PLAIN = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


@dataclass
class Case:
    where: str              # file and line
    classes: list
    outcome: list           # "400 bad_target", "tunnel", ...
    why: str
    sent: bytes = b""
    received: list = field(default_factory=list)    # by the other side, one a connection
    request: str = "GET"    # of answers: what they answer
    then: str = "close"     # of answers: what the server does behind them

    @property
    def refused(self):
        """Is everything refused or never asked for, so that nobody may notice?"""
        return not self.received


def connect(target):
    return b"CONNECT " + target + b" HTTP/1.1\r\nHost: a.example.org\r\n\r\n"


def get(uri):
    return b"GET " + uri + b" HTTP/1.1\r\nHost: raw.example.com\r\n\r\n"


def names_of(argument):
    return [name.decode("latin-1") for name in argument.split()]


def one_extension(argument):
    names = names_of(argument)
    if len(names) < 2:
        return hello.hello(*names)
    return hello.hello(None, extra=hello.server_name(*names))


def two_extensions(argument):
    first, second = names_of(argument)
    return hello.hello(first, extra=hello.server_name(second))


def in_records(argument):
    size, name = names_of(argument)
    return hello.records(hello.client_hello(name), int(size))


def padded(argument):
    size, name = names_of(argument)
    return hello.hello(name, padding=int(size))


def second(argument):
    return hello.hello(*names_of(argument), share=b"\x18")


MACROS = {"connect": connect, "get": get, "hello": one_extension, "hellos": two_extensions,
          "records": in_records, "padded": padded, "second": second}


def expand(name, argument):
    return argument * int(name) if name.isdigit() else MACROS[name](argument)


def macro(text, at):
    """A macro whose name begins at `at`; its bytes, and where its brace is closed."""
    name = re.compile(r"\w+").match(text, at)[0]
    at += len(name)
    argument, end = bytes_of(text, at + (text[at] == " "), "}")
    return expand(name, argument), end


def bytes_of(text, at=0, stop=None):
    """The bytes that text stands for, up to `stop` outside of escapes, and where that is."""
    out = b""
    while at < len(text) and text[at] != stop:
        if text[at] != "\\":
            out, at = out + text[at].encode("ascii"), at + 1
        elif text[at + 1] == "x":
            out, at = out + bytes.fromhex(text[at + 2:at + 4]), at + 4
        elif text[at + 1] == "{":
            made, at = macro(text, at + 2)
            out, at = out + made, at + 1
        else:
            out, at = out + PLAIN[text[at + 1]], at + 2
    assert stop is None or at < len(text), f"no closing brace: {text}"
    return out, at


def add_line(case, line):
    kind, _, rest = line.partition(" ")
    if kind == ">":
        case.sent += bytes_of(rest)[0]
    elif kind == "==":
        case.received.append(b"")
    elif kind == "=":
        if not case.received:
            case.received.append(b"")
        case.received[-1] += bytes_of(rest)[0]
    elif kind == "?":
        case.request = rest
    elif kind == "!":
        case.then = rest
    else:
        raise ValueError(f"{case.where}: no line of a case, and no title: {line}")


def read_file(path):
    cases = []
    for number, line in enumerate(path.read_text("ascii").splitlines(), 1):
        title = TITLE.fullmatch(line)
        if title:
            cases.append(Case(f"{path.stem}:{number}", title[1].split(), title[2].split(", "),
                              title[3]))
        elif line and not line.startswith("#"):
            add_line(cases[-1], line)
    return cases


def read_all(pattern):
    return [case for path in sorted(FOLDER.glob(pattern)) for case in read_file(path)]
