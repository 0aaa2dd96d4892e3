"""Programs people use: allowed, denied, and the text they print when they are denied."""

import sys
from pathlib import Path

import pytest

from conftest import need
from lib.shell import Shell
from lib.sluice import limited

WEB = limited("www.example.com", "*.example.org")
DENIED = "host_not_allowed denied.example.net"
BUILD = Path(__file__).resolve().parents[2] / "build" / "e2e"


@pytest.fixture
def proxy(start):
    return start(WEB)


@pytest.fixture
def shell(proxy, tmp_path, authority):
    return Shell(proxy, tmp_path / "home", authority)


# curl

def test_curl_through_connect(shell, proxy):
    need("curl")
    assert "GET" in shell.good("curl", "-sS", "https://www.example.com/echo").out
    assert proxy.record.wait(event="close")["sni"] == "www.example.com"


def test_curl_with_http_2_offered(shell, proxy):
    need("curl")
    shell.good("curl", "-sS", "--http2", "https://a.example.org/echo")
    assert "h2" in proxy.record.wait(event="close")["alpn"]


def test_curl_forwarded(shell):
    need("curl")
    assert '"scheme": "http"' in shell.good("curl", "-sS", "http://www.example.com/echo").out


def test_curl_uploads_with_expect(shell, tmp_path):
    need("curl")
    body = tmp_path / "body"
    body.write_bytes(bytes(2_000_000))
    done = shell.good("curl", "-sS", "-T", body, "http://www.example.com/echo")
    assert '"length": 2000000' in done.out
    done = shell.good("curl", "-sS", "-T", "-", "http://www.example.com/echo",
                      feed=b"from a pipe, so chunked")
    assert '"length": 23' in done.out


def test_curl_denied_by_connect_shows_the_status_line(shell):
    need("curl")
    done = shell.bad("curl", "-sSv", "https://denied.example.net/")
    assert "CONNECT tunnel failed, response 403" in done.errors
    assert f"HTTP/1.1 403 Forbidden: {DENIED}" in done.errors


def test_curl_denied_in_http_shows_the_body(shell):
    need("curl")
    done = shell.run("curl", "-sS", "http://denied.example.net/")
    assert done.out == \
        'sluice: denied.example.net is not in allowed_hosts of environment "e2e"\n'


def test_curl_with_proxytunnel_to_port_80(shell):
    need("curl")
    shell.good("curl", "-sS", "--proxytunnel", "http://www.example.com/echo")


# wget

def wget(shell):
    return [need("wget"), "-nv", "-t", "1", "--ca-certificate", shell.variables["SSL_CERT_FILE"],
            "-O", "-"]


def test_wget(shell):
    assert "GET" in shell.good(*wget(shell), "https://www.example.com/echo").out
    assert "GET" in shell.good(*wget(shell), "http://www.example.com/echo").out


def test_wget_denied_prints_the_reason(shell):
    assert f"Forbidden: {DENIED}" in shell.bad(*wget(shell), "https://denied.example.net/").errors
    assert f"ERROR 403: Forbidden: {DENIED}" in \
        shell.bad(*wget(shell), "http://denied.example.net/").errors


# Python's own client

PYTHON = "import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1])" \
         ".read())"


def test_python(shell):
    assert "GET" in shell.good(sys.executable, "-c", PYTHON, "https://www.example.com/echo").out
    assert "GET" in shell.good(sys.executable, "-c", PYTHON, "http://www.example.com/echo").out


def test_python_denied_prints_the_reason(shell):
    done = shell.bad(sys.executable, "-c", PYTHON, "https://denied.example.net/")
    assert f"Tunnel connection failed: 403 Forbidden: {DENIED}" in done.errors
    done = shell.bad(sys.executable, "-c", PYTHON, "http://denied.example.net/")
    assert f"HTTP Error 403: Forbidden: {DENIED}" in done.errors


# openssl

def s_client(shell, proxy, name):
    return [need("openssl"), "s_client", "-proxy", "%s:%d" % proxy.where, "-connect",
            f"{name}:443", "-servername", name, "-CAfile", shell.variables["SSL_CERT_FILE"],
            "-verify_return_error", "-brief"]


def test_openssl(shell, proxy):
    done = shell.good(*s_client(shell, proxy, "www.example.com"), feed=b"Q\n")
    assert "CONNECTION ESTABLISHED" in done.text


def test_openssl_denied_prints_the_reason(shell, proxy):
    done = shell.bad(*s_client(shell, proxy, "denied.example.net"), feed=b"")
    assert f"403 Forbidden: {DENIED}" in done.errors


def test_openssl_with_another_name_inside_gets_an_alert(shell, proxy):
    command = s_client(shell, proxy, "www.example.com")
    command[command.index("-servername") + 1] = "denied.example.net"
    done = shell.bad(*command, feed=b"")
    assert "alert access denied" in done.errors
    assert proxy.record.wait(event="close")["reason"] == "sni_mismatch"


# Node, with the agent that reads the proxy variables

FETCH = """
const { EnvHttpProxyAgent, fetch } = require("undici");
fetch(process.argv[1], { dispatcher: new EnvHttpProxyAgent() })
  .then(async (answer) => console.log(answer.status, await answer.text()))
  .catch((problem) => {
    for (; problem; problem = problem.cause) console.error(String(problem));
    process.exitCode = 1;
  });
"""


@pytest.fixture
def node(shell):
    need("node")
    if not (BUILD / "node_modules" / "undici").is_dir():
        pytest.skip(f"undici is not installed in {BUILD}: npm install --prefix")
    shell.variables["NODE_PATH"] = str(BUILD / "node_modules")
    return lambda url, run: run("node", "-e", FETCH, url)


def test_node_fetch(shell, node):
    assert node("https://www.example.com/echo", shell.good).out.startswith("200 ")
    assert node("http://www.example.com/echo", shell.good).out.startswith("200 ")


def test_node_fetch_denied(shell, node):
    """undici keeps the status and drops the phrase; the record has the rest."""
    done = node("https://denied.example.net/", shell.bad)
    assert "403" in done.errors
