"""The process itself: what it gave up, what it says about that, and what goes on working without.

What a confined process cannot do is tried in tests/unit/confine_test.c, from inside.
"""

import ctypes
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from lib import files, net, wire
from lib.raw import echo
from lib.sluice import Sluice, agent, binary, limited, sanitized, text_of, unrestricted

HOST = "www.example.com"
TARGET = f"{HOST}:443"
CLOSED, OPEN = limited("tls.example.com"), limited("tls.example.com", HOST)
PACKAGES = "version: 1\nsets:\n  mine:\n    source: a test\n    date: 2026-01-01\n" \
           "    domains: {example.com: [api]}\n"
NOBODY = 65534
SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")
LANDLOCK_CREATE_RULESET = 444
LANDLOCK_WHOLE = 6          # the ABI that knows all we ask for

release_only = pytest.mark.skipif(sanitized(), reason="a sanitizer build has no seccomp, Landlock")


def landlock_abi():
    return ctypes.CDLL(None, use_errno=True).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)


def threads(proxy):
    """The status of every thread, as a dict."""
    folder = Path(f"/proc/{proxy.pid}/task")
    return [dict(re.findall(r"^(\w+):\s*(.*)$", (task / "status").read_text(), re.MULTILINE))
            for task in folder.iterdir()]


def confined_lines(proxy):
    return re.findall(r"^sluice: confined: .*$", proxy.errors(), re.MULTILINE)


def status(proxy, target=TARGET):
    return proxy.refusal(target).status


def refusals(proxy):
    return proxy.errors().count("reload refused")


def refuses(proxy, path):
    """A SIGHUP is refused with a message that names the path and says what to do."""
    before = refusals(proxy)
    proxy.write_config()
    proxy.signal(signal.SIGHUP)
    wire.wait_for(lambda: refusals(proxy) > before, message="refusal")
    assert re.search(rf"^{re.escape(str(path))}: .*restart it$", proxy.errors(), re.MULTILINE), \
        proxy.errors()


def test_every_thread_is_confined(start, workers):
    proxy = start(unrestricted())
    assert status(proxy) == 200
    found = threads(proxy)
    assert len(found) - (workers + 1) in ([0, 1] if sanitized() else [0]), "a sanitizer has its own"
    for thread in found:
        assert thread["NoNewPrivs"] == "1"
        assert [int(thread[name], 16) for name in SETS] == [0] * len(SETS)
        assert thread["Seccomp"] == ("0" if sanitized() else "2")


def test_root_loses_the_bounding_set_too(start):
    mine = re.search(r"CapEff:\s*(\w+)", Path("/proc/self/status").read_text())[1]
    if not int(mine, 16) & 1 << 8:
        pytest.skip("only who has CAP_SETPCAP can drop it")
    proxy = start(unrestricted())
    assert {int(thread["CapBnd"], 16) for thread in threads(proxy)} == {0}


def test_no_core_is_written(start):
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    proxy = start(unrestricted())
    limits = Path(f"/proc/{proxy.pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), limits


def test_one_line_says_what_was_applied(start):
    proxy = start(unrestricted())
    assert len(confined_lines(proxy)) == 1
    line = confined_lines(proxy)[0]
    assert "no new privileges" in line and "no capabilities" in line
    assert proxy.errors().index(line) < proxy.errors().index("listening on")
    if sanitized():
        assert re.search(r"not applied: .*Landlock: .*sanitizer build.*seccomp: .*sanitizer", line)
    elif landlock_abi() >= LANDLOCK_WHOLE:
        assert line.endswith("no core dumps, no capabilities, Landlock, seccomp")
    elif landlock_abi() > 0:
        assert re.search(r", Landlock, seccomp; not applied: Landlock: .*of this kernel", line)
    else:
        assert re.search(r"capabilities, seccomp; not applied: Landlock: ", line)


# Refuses Landlock and seccomp to what it starts, as a container engine or an old kernel does.
REFUSING = """
import ctypes, os, sys
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
allow, refused, errno = 0x7fff0000, 0x50000, {"ENOSYS": 38, "EPERM": 1}
filter = ctypes.c_void_p(lib.seccomp_init(allow))
def refuse(name, error):
    call = lib.seccomp_syscall_resolve_name(name.encode())
    assert lib.seccomp_rule_add_array(filter, refused | errno[error], call, 0, None) == 0
refuse("landlock_create_ruleset", "ENOSYS")
refuse("seccomp", "EPERM")
refuse("capset", "EPERM")
class Argument(ctypes.Structure):
    _fields_ = [("n", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]
set_seccomp = Argument(0, 4, 22, 0)   # equal to PR_SET_SECCOMP
assert lib.seccomp_rule_add_array(filter, refused | 1, lib.seccomp_syscall_resolve_name(b"prctl"),
                                  1, ctypes.byref(set_seccomp)) == 0
assert lib.seccomp_load(filter) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


@release_only
def test_what_is_refused_to_it_is_said_and_it_serves(start):
    proxy = start(unrestricted(), wrapper=(sys.executable, "-c", REFUSING))
    assert status(proxy) == 200
    line, = confined_lines(proxy)
    assert re.fullmatch("sluice: confined: no new privileges, no core dumps; not applied: "
                        "no capabilities: Operation not permitted; Landlock: this kernel has none; "
                        "seccomp: [A-Z][a-z ]+", line)


@pytest.fixture
def public_folder():
    """One that another user can get at, with the program in it."""
    folder = Path(tempfile.mkdtemp(prefix="sluice-confine-"))
    folder.chmod(0o777)
    shutil.copy(binary(), folder / "program")
    yield folder
    shutil.rmtree(folder)


@release_only
def test_another_user_s_process_belongs_to_root(public_folder, monkeypatch):
    """Not dumpable: no other process of that user can read its memory, or its descriptors."""
    become = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if subprocess.run([*become, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("only root, and not that of a user namespace, can become another user")
    proxy = Sluice(public_folder, [unrestricted()], wrapper=become)
    monkeypatch.setenv("SLUICE", str(public_folder / "program"))
    proxy.start()
    try:
        assert threads(proxy)[0]["Uid"].split()[0] == str(NOBODY)
        assert os.stat(f"/proc/{proxy.pid}/fd").st_uid == 0
        assert "no core dumps, no capabilities" in confined_lines(proxy)[0]
        assert status(proxy) == 200
    finally:
        proxy.stop()


def first_ids(start, count=2):
    """The ids of the first questions of a channel that a confined process makes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(1)
        proxy = start(unrestricted())
        proxy.config["resolver"]["servers"] = [f"127.0.0.1:{server.getsockname()[1]}"]
        proxy.reload()
        for nth in range(60):       # a worker may serve some by the policy of before
            client = proxy.dial()
            client.send(wire.connect_head(f"unknown{nth}.example.com:443"))
            try:
                return [server.recv(512)[:2] for _ in range(count)]
            except TimeoutError:
                client.close()
    raise AssertionError("no question came")


def test_query_ids_are_random_where_files_are_closed(start):
    """c-ares would fall back to rand(3), the same numbers for every process."""
    assert first_ids(start) != first_ids(start)


def test_named_servers_need_no_resolv_conf(start, own_etc):
    """Who opened it would wait for ever."""
    etc, wrapper = own_etc
    os.mkfifo(etc / "resolv.conf")
    proxy = start(unrestricted(), wrapper=wrapper)
    assert status(proxy) == 200
    proxy.reload()
    assert status(proxy) == 200


def test_the_hosts_file_may_be_replaced(start, tmp_path):
    folder = tmp_path / "names"
    folder.mkdir()
    hosts = folder / "hosts"
    hosts.write_text(f"{net.NOBODY} here.example.com\n")
    proxy = start(unrestricted(), config={"resolver": {"hosts_file": str(hosts)}})
    assert status(proxy, "here.example.com:443") == 502
    files.by_rename(hosts, f"{net.ORIGIN} here.example.com\n")
    wire.wait_for(lambda: status(proxy, "here.example.com:443") == 200, 30, 0.2)


def test_a_unix_listener_leaves_no_socket(start, tmp_path):
    path = tmp_path / "sockets" / "agent.sock"
    path.parent.mkdir()
    proxy = start(unrestricted(), config={"listeners": [{"unix": str(path), "mode": "0600"}]})
    proxy.config["listeners"][0]["mode"] = "0660"
    proxy.reload()
    assert path.stat().st_mode & 0o777 == 0o660
    proxy.stop()
    assert not path.exists()


def listens(where):
    with socket.socket() as client:
        return client.connect_ex(where) == 0


def test_a_fresh_process_takes_over(start, raw):
    """An upgrade, as sluice(8) has it: the old one ends what is open, the new one listens."""
    raw(echo, port=7000)
    old = start(unrestricted())
    tunnel = old.tunnel("raw.example.com:7000")
    config = {"listeners": [{"address": old.listeners[0]}],
              "audit": {"path": str(old.record.path)}}
    old.signal(signal.SIGTERM)
    wire.wait_for(lambda: not listens(old.where), 20, message="end of listening")
    fresh = start(unrestricted(), config=config)
    assert fresh.where == old.where
    assert status(fresh, "raw.example.com:7000") == 200
    tunnel.send(b"still open")
    assert tunnel.read(10) == b"still open"
    tunnel.close()
    old.check_end()
    assert len({line["id"].split("-")[0] for line in old.record.lines()}) == 2


def test_a_fresh_process_takes_over_a_unix_socket(start, raw, tmp_path):
    """The old one ends later than the new one starts: the file it removes is its own."""
    raw(echo, port=7000)
    path = tmp_path / "agent.sock"
    config = {"listeners": [{"unix": str(path), "mode": "0660"}]}
    old = start(unrestricted(), config=config)
    tunnel = old.tunnel("raw.example.com:7000")
    old.signal(signal.SIGTERM)
    wire.wait_for(lambda: not path.exists(), 20, message="end of listening")
    fresh = start(unrestricted(), config=config)
    old.signal(signal.SIGHUP)
    tunnel.send(b"still open")
    assert tunnel.read(10) == b"still open"
    tunnel.close()
    old.check_end()
    assert path.stat().st_mode & 0o777 == 0o660
    assert status(fresh, "raw.example.com:7000") == 200


def test_a_mode_is_not_given_through_a_link(start, tmp_path):
    """Whoever may write in a socket's folder has a link there to what we own."""
    path, ours = tmp_path / "agent.sock", tmp_path / "record"
    ours.touch(0o600)
    proxy = start(unrestricted(), config={"listeners": [{"unix": str(path), "mode": "0666"}]})
    path.unlink()
    path.symlink_to(ours)
    proxy.reload()
    assert ours.stat().st_mode & 0o777 == 0o600


def test_what_only_a_capability_could_read_is_told(start):
    """Root without capabilities reads what the mode lets it: said before a reload fails."""
    def prepare(proxy):
        try:
            os.chown(proxy.environments[0], NOBODY, NOBODY)
        except OSError:
            pytest.skip("only root, with more than one user, can make such a file")
        proxy.environments[0].chmod(0o600)

    proxy = start(CLOSED, prepare=prepare)
    said = [line for line in proxy.errors().splitlines() if "a reload cannot read it" in line]
    assert len(said) == 1 and said[0].startswith(f"{proxy.environments[0]}: warning: ")
    proxy.environments[0].chmod(0o604)
    proxy.reload()


def test_a_pipe_is_read_once(start):
    """Opening it again would wait for a writer, and SIGTERM would wait behind that."""
    written = text_of(CLOSED)

    def prepare(proxy):
        path = proxy.environments[0]
        path.unlink()
        os.mkfifo(path)
        threading.Thread(target=path.write_text, args=[written], daemon=True).start()

    proxy = start(CLOSED, prepare=prepare)
    assert status(proxy) == 403
    refuses(proxy, proxy.environments[0])
    proxy.stop()


@pytest.fixture
def outside(tmp_path):
    """A folder that nothing names at the start."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "list").write_text("other.example.com\n")
    (folder / "env.yaml").write_text(text_of(limited(HOST, name="other")))
    (folder / "packages").write_text(PACKAGES)
    (folder / "agent.yaml").write_text(text_of(agent()))
    return folder


# What is added to the configuration, and the path that it needs.
OUTSIDE = {
    "list": ({"blocklists": [{"path": "OUT/list"}]}, "OUT/list"),
    "environment": ({"environments": ["env0.yaml", "OUT/env.yaml"],
                     "listeners": [{"address": "127.0.0.1:0", "environment": "e2e"}]},
                    "OUT/env.yaml"),
    "agent": ({"agents": ["OUT/agent.yaml"]}, "OUT/agent.yaml"),
    "folder": ({"agents": ["OUT"]}, "OUT"),
    "package file": ({"packages": {"file": "OUT/packages", "sets": ["mine"]}}, "OUT/packages"),
    "hosts file": ({"resolver": {"hosts_file": "OUT/list"}}, "OUT/list"),
}


def placed(value, folder):
    return json.loads(json.dumps(value).replace("OUT", str(folder)))


@pytest.mark.parametrize("what", OUTSIDE)
def test_a_reload_that_leads_outside_is_refused(start, outside, what):
    proxy = start(CLOSED)
    config, path = placed(OUTSIDE[what], outside)
    proxy.config.update(config)
    proxy.environments[0].write_text(text_of(OPEN))
    refuses(proxy, path)
    assert status(proxy) == 403, "nothing of a reload that was refused is in force"
    fresh = start(OPEN, config=config)
    assert status(fresh) == 200, "a fresh process takes it"


def test_resolv_conf_is_outside_for_who_named_servers(start):
    proxy = start(CLOSED)
    del proxy.config["resolver"]["servers"]
    refuses(proxy, "/etc/resolv.conf")


@pytest.mark.parametrize("what", ["environment", "operator's file"])
def test_a_link_that_is_switched_to_outside_is_refused(start, outside, what):
    proxy = start(CLOSED)
    path = proxy.environments[0] if what == "environment" else proxy.config_path
    target = outside / path.name
    target.write_text(text_of(OPEN) if what == "environment" else path.read_text())
    refused = refusals(proxy)
    new = path.with_name("new")
    new.symlink_to(target)
    new.rename(path)
    proxy.signal(signal.SIGHUP)
    wire.wait_for(lambda: refusals(proxy) > refused, message="refusal")
    assert re.search(rf"{path.name}: leads to {target}; .*restart it", proxy.errors())
    assert status(proxy) == 403


def test_links_that_led_outside_at_the_start_may_be_replaced_there(start, outside):
    real = outside / "env.yaml"

    def prepare(proxy):
        real.write_text(text_of(CLOSED))
        proxy.environments[0].unlink()
        proxy.environments[0].symlink_to(real)

    proxy = start(CLOSED, prepare=prepare)
    assert status(proxy) == 403
    files.by_rename(real, text_of(OPEN))
    proxy.reload()
    assert status(proxy) == 200


@pytest.mark.parametrize("name", ["env0.yaml", "env.yaml"])
def test_a_swapped_volume_is_read(start, name):
    """As a ConfigMap: a file of it is named, or the folder."""
    def prepare(proxy):
        if name != "env0.yaml":
            (proxy.folder / "documents").mkdir()
            proxy.environments[0].rename(proxy.folder / "documents" / name)
            proxy.config["environments"] = ["documents"]
            proxy.write_config()
            files.as_volume(proxy.folder / "documents", name)
        else:
            files.as_volume(proxy.folder, name)

    proxy = start(CLOSED, prepare=prepare)
    assert status(proxy) == 403
    folder = proxy.folder if name == "env0.yaml" else proxy.folder / "documents"
    files.by_volume_swap(folder / name, text_of(OPEN))
    proxy.reload()
    assert status(proxy) == 200


# What of the program shows it, and what it is for.
HARDENED = {
    "it is loaded anywhere": ("readelf -hW", r"Type: +DYN .*Position-Independent"),
    "its tables of calls are read-only": ("readelf -lW", r"GNU_RELRO"),
    "and complete before it starts": ("readelf -dW", r"FLAGS.*NOW"),
    "data on the stack is no code": ("readelf -lW", r"GNU_STACK +(?:0x\w+ +){5}RW +0x"),
    "no memory is both written and run": ("readelf -lW", r"(?s)\A(?!.*\bRWE\b)(?!.*\bWE\b)"),
    "headers and constants are no code": ("readelf -lW", r"LOAD +0x0+ (?:0x\w+ +){4}R +0x"),
    "a smashed stack is noticed": ("readelf -W --dyn-syms", r"__stack_chk_fail"),
    "so is a write past an object": ("readelf -W --dyn-syms", r"__vsnprintf_chk"),
    "jumps land where functions begin": ("objdump --disassemble=server_run",
                                         r"endbr64|paciasp|bti\s+c"),
}


@release_only
@pytest.mark.parametrize("why", HARDENED)
def test_the_program_is_hardened(why):
    command, wanted = HARDENED[why]
    shown = subprocess.run([*command.split(), binary()], capture_output=True, text=True,
                           check=True).stdout
    assert re.search(wanted, shown), shown[:4000]


@release_only
def test_no_object_switches_the_check_of_jumps_off():
    """The linker keeps the mark only if every object has it; Debian's own start files have not."""
    objects = [p for p in Path(binary()).parent.rglob("data.o") if "tests" not in p.parts]
    if not objects:
        pytest.skip("the program is not beside its objects")
    for path in objects:
        notes = subprocess.run(["readelf", "-nW", path], capture_output=True, text=True,
                               check=True).stdout
        assert re.search(r"feature: (IBT, SHSTK|BTI, PAC)", notes), f"{path}: {notes}"
