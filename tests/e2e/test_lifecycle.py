"""Start and end: ports, signals, draining: sluice(8), SIGNALS AND RELOAD."""

import hashlib
import os
import signal
import socket
import subprocess
import time

import pytest

from lib import refusal, wire
from lib.origin import pattern
from lib.raw import echo
from lib.sluice import binary, limited, refuse_to_start, unrestricted

pytestmark = pytest.mark.usefixtures("workers")


def test_it_ends_at_once_when_nothing_is_open(start):
    proxy = start(unrestricted())
    proxy.ask("http://www.example.com/echo", fields=["Connection: close"])
    before = time.monotonic()
    proxy.stop()
    assert time.monotonic() - before < 15


def test_sigterm_lets_open_tunnels_finish(start, raw):
    raw(lambda c: c.sock.sendall(hashlib.sha256(c.read_all()).digest()), port=7000)
    proxy = start(unrestricted(), config={"timeouts": {"drain": "20s"}})
    client = proxy.tunnel("raw.example.com:7000")
    client.send(pattern(100_000))
    proxy.signal(signal.SIGTERM)
    time.sleep(0.3)
    assert proxy.process.poll() is None
    client.send(pattern(200_000)).half_close()
    assert client.read_all() == hashlib.sha256(pattern(100_000) + pattern(200_000)).digest()
    client.close()
    proxy.check_end(15)
    assert proxy.record.lines(event="close")[0]["bytes_up"] == 300_000


def test_nothing_new_is_accepted_while_draining(start, raw):
    raw(echo, port=7000)
    proxy = start(unrestricted())
    client = proxy.tunnel("raw.example.com:7000")
    kept = proxy.dial()
    kept.send(wire.request("http://www.example.com/echo"))
    assert kept.response().status == 200
    proxy.signal(signal.SIGTERM)

    def refused():
        try:
            return proxy.refusal("raw.example.com:7000").status == 503
        except OSError:
            return True
        except AssertionError:
            return True     # closed without an answer

    wire.wait_for(refused, message="refusal of new connections")
    assert kept.cut() == b"", "a connection between requests is closed"
    client.send(b"ping")
    assert client.read(4) == b"ping"
    client.close()
    proxy.check_end(15)


def nobody_listens(proxy):
    try:
        proxy.dial().close()
    except ConnectionRefusedError:
        return True
    except OSError:
        pass
    return False


def test_a_request_that_is_complete_after_sigterm_is_refused(start, raw):
    raw(echo, port=7000)
    proxy = start(unrestricted())
    client = proxy.tunnel("raw.example.com:7000")
    late = proxy.dial()
    head = wire.connect_head("raw.example.com:7000")
    late.send(head[:10])
    time.sleep(0.2)
    proxy.signal(signal.SIGTERM)
    wire.wait_for(lambda: nobody_listens(proxy), message="an end of every worker's listening")
    late.send(head[10:])
    refusal.check(late.response("CONNECT"), 503, "shutting_down")
    late.close()
    client.close()
    proxy.check_end(15)


def test_the_drain_is_bounded(start, raw):
    raw(echo, port=7000)
    proxy = start(unrestricted(), config={"timeouts": {"drain": "1s"}})
    client = proxy.tunnel("raw.example.com:7000")
    before = time.monotonic()
    proxy.signal(signal.SIGTERM)
    client.cut()
    proxy.check_end(15)
    assert 0.7 < time.monotonic() - before < 15
    closed = proxy.record.lines(event="close")[0]
    assert closed["host"] == "raw.example.com" and closed["ended"]


def test_a_second_sigterm_ends(start, raw):
    raw(echo, port=7000)
    proxy = start(unrestricted())
    client = proxy.tunnel("raw.example.com:7000")
    proxy.signal(signal.SIGTERM)
    time.sleep(0.3)
    assert proxy.process.poll() is None
    before = time.monotonic()
    proxy.signal(signal.SIGTERM)
    client.cut()
    proxy.check_end(15)
    assert time.monotonic() - before < 15
    assert proxy.record.lines(event="close")


def test_sigint_ends_like_sigterm(start):
    proxy = start(unrestricted())
    proxy.signal(signal.SIGINT)
    proxy.check_end(15)


def test_a_second_instance_on_the_same_port_says_so(start, tmp_path, workers):
    proxy = start(unrestricted())
    host, port = proxy.where
    config = {"listeners": [{"address": f"{host}:{port}"}], "workers": workers}
    status, errors = refuse_to_start(tmp_path / "second", [unrestricted()], config=config)
    assert status == 2 and "in use" in errors.lower() and str(port) in errors
    assert proxy.ask("http://www.example.com/echo").status == 200


def test_a_second_instance_on_the_same_unix_socket_says_so(start, tmp_path):
    path = str(tmp_path / "taken.sock")
    config = {"listeners": [{"unix": path}]}
    proxy = start(unrestricted(), config=config)
    status, errors = refuse_to_start(tmp_path / "second", [unrestricted()], config=config)
    assert status == 2 and "in use" in errors.lower() and path in errors
    assert proxy.ask("http://www.example.com/echo").status == 200


def test_a_file_in_the_place_of_a_unix_socket_is_left_alone(tmp_path):
    path = tmp_path / "precious"
    path.write_text("data")
    status, _ = refuse_to_start(tmp_path / "s", [unrestricted()],
                                config={"listeners": [{"unix": str(path)}]})
    assert status == 2 and path.read_text() == "data"


def test_flags_win_over_the_file(start):
    proxy = start(unrestricted(), arguments=["--listen", "127.0.0.1:0", "--listen", "[::1]:0"],
                  config={"listeners": [{"address": "127.0.0.2:0"}]})
    assert proxy.where[0] == "127.0.0.1"
    wire.wait_for(lambda: proxy.stderr().count(b"listening on") == 2)


def test_it_listens_on_ipv6(start):
    proxy = start(unrestricted(), config={"listeners": [{"address": "[::1]:0"}]})
    assert proxy.where[0] == "::1"
    assert proxy.ask("http://www.example.com/echo").status == 200


def test_without_configuration_it_is_a_working_sidecar(tmp_path):
    """127.0.0.1:3128, unrestricted, the record on standard output (sluice(8), DESCRIPTION)."""
    process = subprocess.Popen([binary(), "serve", "--resolver", "127.0.0.1:5353"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path)
    try:
        def listens():
            assert process.poll() is None
            with socket.socket() as sock:
                return sock.connect_ex(("127.0.0.1", 3128)) == 0

        wire.wait_for(listens)
        assert wire.ask(("127.0.0.1", 3128), "http://www.example.com/echo").status == 200
        assert wire.connect(("127.0.0.1", 3128), "10.0.0.5:80")[1].status == 403
    finally:
        wire.close_all()
        process.terminate()
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert b'"reason":"unrestricted"' in out and b'"address_not_allowed"' in out


def test_the_limit_of_descriptors_is_raised(start):
    proxy = start(limited("www.example.com"))
    with open(f"/proc/{proxy.pid}/limits", encoding="ascii") as limits:
        line = next(row for row in limits if row.startswith("Max open files"))
    soft, hard = line.split()[3:5]
    assert soft == hard


def test_sigpipe_and_closed_clients_do_not_end_it(start, raw):
    raw(lambda c: [c.sock.sendall(b"x" * 65536) for _ in range(200)], port=7000)
    proxy = start(unrestricted())
    for _ in range(20):
        client = proxy.tunnel("raw.example.com:7000")
        client.read(10)
        client.abort()
    assert os.path.exists(f"/proc/{proxy.pid}")
    proxy.check_rest()
