"""Several listeners and environments in one process: each client sees its own policy only."""

import os
import stat
import subprocess

import pytest

from lib import net, refusal, wire
from lib.sluice import limited, refuse_to_start, unrestricted

pytestmark = pytest.mark.usefixtures("workers")

LATER = net.PUBLIC_V4 + "99"    # an address that no test has from the start


@pytest.fixture
def two(start, tmp_path):
    """A TCP listener of one environment, a Unix socket of another."""
    path = str(tmp_path / "agent.sock")
    proxy = start(limited("www.example.com", name="first"),
                  limited("api.example.com", name="second"),
                  config={"listeners": [{"address": "127.0.0.1:0", "environment": "first"},
                                        {"unix": path, "mode": "0660", "environment": "second"}]})
    assert proxy.listener(1) == path
    return proxy


@pytest.mark.covers("B9", "B18")
def test_each_listener_has_its_own_policy(two):
    for nth, mine, theirs in ((0, "www.example.com", "api.example.com"),
                              (1, "api.example.com", "www.example.com")):
        two.tunnel(f"{mine}:443", nth=nth).close()
        assert two.ask(f"http://{mine}/echo", nth=nth).status == 200
        answer = two.refusal(f"{theirs}:443", nth=nth)
        refusal.check(answer, 403, "host_not_allowed", theirs)
        assert ('"first"', '"second"')[nth] in answer.body.decode()
        refusal.check(two.ask(f"http://{theirs}/echo", nth=nth), 403, "host_not_allowed", theirs)


def test_the_record_names_listener_environment_and_client(two):
    two.refusal("denied.example.net:443", nth=0)
    two.refusal("denied.example.net:443", nth=1)
    first = two.record.wait(event="deny", environment="first")
    second = two.record.wait(event="deny", environment="second")
    assert first["client"] == "127.0.0.1"
    assert second["client"] == f"uid:{os.getuid()}"
    assert second["listener"] == f"unix:{two.listener(1)}"
    assert first["listener"] != second["listener"]


def test_the_mode_of_a_unix_socket(two):
    assert stat.S_IMODE(os.stat(two.listener(1)).st_mode) == 0o660


def test_a_unix_socket_is_private_unless_said_otherwise(start, tmp_path):
    path = str(tmp_path / "private.sock")
    proxy = start(unrestricted(), config={"listeners": [{"unix": path}]})
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert proxy.ask("http://www.example.com/echo").status == 200


def test_a_unix_socket_is_gone_after_the_end(start, tmp_path):
    path = str(tmp_path / "gone.sock")
    start(unrestricted(), config={"listeners": [{"unix": path}]}).stop()
    assert not os.path.exists(path)


def test_a_stale_unix_socket_is_replaced(start, tmp_path):
    path = str(tmp_path / "stale.sock")
    first = start(unrestricted(), config={"listeners": [{"unix": path}]})
    first.process.kill()
    first.process.wait()
    first.ended = True
    assert os.path.exists(path)
    second = start(unrestricted(), config={"listeners": [{"unix": path}]})
    assert second.ask("http://www.example.com/echo").status == 200


def test_another_user_of_a_unix_socket_is_unknown(start, tmp_path, origin):
    path = str(tmp_path / "peer.sock")
    contacts = len(origin.contacts)
    proxy = start(unrestricted(),
                  config={"listeners": [{"unix": path, "peer_uid": os.getuid() + 1001}]})
    held, answer = wire.connect(proxy.where, "www.example.com:443")
    held.close()
    refusal.check(answer, 403, "unknown_client")
    assert origin.contacts[contacts:] == []
    proxy.record.wait(reason="unknown_client", verdict="deny")


def test_the_right_user_of_a_unix_socket_is_let_in(start, tmp_path):
    path = str(tmp_path / "peer.sock")
    proxy = start(unrestricted(), config={"listeners": [{"unix": path, "peer_uid": os.getuid()}]})
    assert proxy.ask("http://www.example.com/echo").status == 200


@pytest.mark.covers("A9")
def test_the_proxy_does_not_reach_its_own_listeners(start):
    proxy = start(unrestricted(), config={
        "listeners": [{"address": "127.0.0.1:0"}, {"address": "93.184.215.45:8118"}],
        "operator": {"exempt": [{"net": "127.0.0.0/8", "ports": [443]}]}})
    host, port = proxy.listener(1)
    refusal.check(proxy.refusal(f"{host}:{port}"), 403, "address_not_allowed", host)
    host, port = proxy.listener(0)
    refusal.check(proxy.refusal(f"{host}:{port}"), 403, "address_not_allowed", host)
    assert proxy.refusal("93.184.215.45:8119").status == 502


@pytest.mark.covers("A9")
@pytest.mark.parametrize("document", [unrestricted(), limited("www.example.com", LATER)],
                         ids=["unrestricted", "limited"])
def test_its_own_listeners_at_an_address_that_came_later(start, document):
    """A listener on every address is there, too; even an environment that lists it is kept out."""
    proxy = start(document, config={"listeners": [{"address": "0.0.0.0:8118"}],
                                    "operator": {"ports": {"limited": [443, 80, 8118]}}})
    subprocess.run(["ip", "address", "add", f"{LATER}/32", "dev", "lo"], check=True)
    try:
        refusal.check(proxy.refusal(f"{LATER}:8118"), 403, "address_not_allowed", LATER)
        assert proxy.refusal(f"{LATER}:443").status == 502
    finally:
        subprocess.run(["ip", "address", "delete", f"{LATER}/32", "dev", "lo"], check=True)


def test_a_listener_must_say_which_environment_when_there_are_several(tmp_path):
    status, errors = refuse_to_start(tmp_path / "s", [limited(name="a"), limited(name="b")])
    assert status == 2 and "environment" in errors
