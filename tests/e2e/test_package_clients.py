"""git, pip, npm and apt through the proxy, with repositories of the tests' own."""

import sys

import pytest

from conftest import need
from lib import repositories
from lib.shell import Shell
from lib.sluice import limited

DENIED = "host_not_allowed denied.example.net"


@pytest.fixture(scope="module")
def repository(origin):
    """All repositories, in folders of the one origin."""
    need("git")
    need("dpkg-deb")
    repositories.make_git(origin.folder)
    repositories.make_pip(origin.folder)
    repositories.make_npm(origin.folder, "https://npm.example.com")
    repositories.make_apt(origin.folder)
    return origin


@pytest.fixture
def proxy(start, repository):
    return start(limited("git.example.com", "pip.example.com", "npm.example.com",
                         "apt.example.com"))


@pytest.fixture
def shell(proxy, tmp_path, authority):
    return Shell(proxy, tmp_path / "home", authority)


# git

def test_git_clones(shell):
    shell.good("git", "clone", "-q", "https://git.example.com/git/repo.git", "copy")
    assert (shell.home / "copy" / "README").read_text() == "cloned through the proxy\n"


def test_git_clones_over_plain_http(shell):
    shell.good("git", "clone", "-q", "http://git.example.com/git/repo.git", "copy")
    assert (shell.home / "copy" / "big").stat().st_size == 256 * 4096


def test_git_denied(shell):
    done = shell.bad("git", "clone", "-q", "https://denied.example.net/git/repo.git")
    assert "unable to access" in done.errors and "403" in done.errors
    shell.variables["GIT_CURL_VERBOSE"] = "1"
    done = shell.bad("git", "clone", "-q", "https://denied.example.net/git/repo.git")
    assert f"403 Forbidden: {DENIED}" in done.errors
    done = shell.bad("git", "clone", "-q", "http://denied.example.net/git/repo.git")
    assert "403" in done.errors and DENIED in done.errors


# pip

def pip(host):
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir",
            "--retries", "1", "download", "--no-deps", "--index-url", f"https://{host}/simple",
            "--dest", "out", "demo"]


@pytest.fixture
def has_pip(shell):
    if shell.run(sys.executable, "-m", "pip", "--version").status != 0:
        pytest.skip("pip is not installed")


def test_pip_downloads(shell, has_pip):
    shell.good(*pip("pip.example.com"))
    assert (shell.home / "out" / "demo-1.0-py3-none-any.whl").is_file()


def test_pip_denied_prints_the_reason(shell, has_pip):
    done = shell.bad(*pip("denied.example.net"))
    assert f"Tunnel connection failed: 403 Forbidden: {DENIED}" in done.text


# npm

def npm(shell, host):
    return [need("npm"), "install", "--registry", f"https://{host}/", "--no-audit", "--no-fund",
            "--fetch-retries", "0", "--no-update-notifier", "--cafile",
            shell.variables["SSL_CERT_FILE"], "e2e-demo"]


@pytest.fixture
def project(shell):
    (shell.home / "package.json").write_text('{"name": "project", "version": "1.0.0"}\n')
    return shell


def test_npm_installs(project):
    project.good(*npm(project, "npm.example.com"))
    index = project.home / "node_modules" / "e2e-demo" / "index.js"
    assert index.read_text() == "module.exports = 42;\n"


def test_npm_denied(project):
    done = project.bad(*npm(project, "denied.example.net"))
    assert "403" in done.text


# apt: plain http on port 80

def apt(shell, proxy, host):
    options = repositories.apt_root(shell.home)
    sources = shell.home / "etc" / "apt" / "sources.list"
    sources.write_text(f"deb [trusted=yes] http://{host}/debian ./\n")
    del shell.variables["http_proxy"], shell.variables["HTTP_PROXY"]
    return [need("apt-get"), *options, "-o", f"Acquire::http::Proxy={proxy.url}"]


def test_apt_updates_and_downloads(shell, proxy):
    command = apt(shell, proxy, "apt.example.com")
    shell.good(*command, "update")
    shell.good(*command, "download", "e2e-demo")
    assert (shell.home / "e2e-demo_1.0_all.deb").is_file()
    opened = proxy.record.wait(event="open", host="apt.example.com")
    assert opened["method"] == "GET" and opened["port"] == 80


def test_apt_denied_prints_the_reason(shell, proxy):
    done = shell.run(*apt(shell, proxy, "denied.example.net"), "update")
    assert f"403  Forbidden: {DENIED}" in done.text
