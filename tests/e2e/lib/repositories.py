"""Small package repositories and a git repository, made from nothing in a folder of the origin."""

import base64
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import zipfile


def make_git(folder):
    """folder/git/repo.git with one commit."""
    work, bare = folder / "work", folder / "git" / "repo.git"
    bare.parent.mkdir(parents=True, exist_ok=True)

    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=E2E", "-c", "user.email=e2e@example.com",
                        "-c", "init.defaultBranch=main", *arguments], check=True,
                       capture_output=True)

    git("init", str(work))
    (work / "README").write_text("cloned through the proxy\n")
    (work / "big").write_bytes(bytes(range(256)) * 4096)
    git("-C", str(work), "add", ".")
    git("-C", str(work), "commit", "-m", "first")
    git("clone", "--bare", str(work), str(bare))


def make_pip(folder):
    """folder/simple/demo: a wheel that holds one module."""
    place = folder / "simple" / "demo"
    place.mkdir(parents=True)
    name = "demo-1.0-py3-none-any.whl"
    files = {
        "demo.py": "ANSWER = 42\n",
        "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        "demo-1.0.dist-info/WHEEL":
            "Wheel-Version: 1.0\nGenerator: e2e\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "demo-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(place / name, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    digest = hashlib.sha256((place / name).read_bytes()).hexdigest()
    (place / "index.html").write_text(
        f'<!DOCTYPE html><html><body><a href="{name}#sha256={digest}">{name}</a></body></html>')


def make_npm(folder, base):
    """folder/leftpad: a packument whose tarball is beside it."""
    package = json.dumps({"name": "e2e-demo", "version": "1.0.0", "main": "index.js"}).encode()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for path, content in (("package/package.json", package),
                              ("package/index.js", b"module.exports = 42;\n")):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    tarball = data.getvalue()
    (folder / "e2e-demo-1.0.0.tgz").write_bytes(tarball)
    digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    packument = {
        "name": "e2e-demo", "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {
            "name": "e2e-demo", "version": "1.0.0", "main": "index.js",
            "dist": {"tarball": f"{base}/e2e-demo-1.0.0.tgz", "integrity": f"sha512-{digest}"}}},
    }
    (folder / "e2e-demo").write_text(json.dumps(packument))


def make_apt(folder):
    """folder/debian: a flat repository with one package of ours."""
    tree, place = folder / "deb-tree", folder / "debian"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share/e2e-demo").mkdir(parents=True)
    (tree / "usr/share/e2e-demo/data").write_bytes(bytes(100_000))
    control = ("Package: e2e-demo\nVersion: 1.0\nArchitecture: all\nMaintainer: E2E "
               "<e2e@example.com>\nDescription: came through the proxy\n")
    (tree / "DEBIAN" / "control").write_text(control)
    place.mkdir()
    deb = place / "e2e-demo_1.0_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(deb)],
                   check=True, capture_output=True)
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    entry = (control + f"Filename: ./{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n")
    (place / "Packages").write_text(entry + "\n")
    (place / "Packages.gz").write_bytes(gzip.compress((entry + "\n").encode()))


def apt_root(home):
    """Options that give apt a root of its own below home."""
    for part in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/apt/lists/partial",
                 "var/cache/apt/archives/partial", "var/lib/dpkg", "var/log/apt"):
        (home / part).mkdir(parents=True, exist_ok=True)
    (home / "var/lib/dpkg/status").write_text("")
    return ["-o", f"Dir={home}", "-o", f"Dir::State::status={home}/var/lib/dpkg/status",
            "-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=true",
            "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=0"]
