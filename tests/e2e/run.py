#!/usr/bin/python3
"""Run the end-to-end tests in a network namespace of their own, and a mount namespace too.

    SLUICE=./sluice tests/e2e/run.py [pytest arguments]

Inside, the loopback interface carries addresses that look public, so the proxy's
address guard runs unmodified, ports 80 and 443 are free, and nothing the tests
do can reach a real network.  Where no mount namespace can be made, as in a chroot,
whose root is no mount point, the tests that mount something are left out.

The whole suite is shared out to two runs side by side, each in namespaces of its own;
files or functions that are named run alone.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSIDE = "SLUICE_E2E_INSIDE"
MOUNTS = "SLUICE_E2E_MOUNTS"    # 1: what is mounted here is seen here only
SHARE = "SLUICE_E2E_SHARE"      # "0/2": this run has the first of two shares of the files
SHARES = 2


def namespace_command():
    """The unshare command that works here, or None and why none does."""
    as_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    # With a process namespace nothing outlives the run, however it ends.
    contained = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    ways = [["unshare", *as_user, "--net", *more] for more in (contained, ["--mount"], [])]
    problems = []
    for way in ways:
        try:
            tried = subprocess.run([*way, "true"], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return None, "unshare(1) is not installed"
        if tried.returncode == 0:
            return way, None
        problems.append(f"{' '.join(way)}: {tried.stderr.strip()}")
    return None, "; ".join(problems)


def enter_namespace(program, arguments):
    """Start the program again in there; comes back when it is there already."""
    if os.environ.get(INSIDE) == "1":
        return
    way, problem = namespace_command()
    if way is None:
        sys.exit(f"run.py: cannot make a network namespace: {problem}")
    os.environ[INSIDE] = "1"
    os.environ[MOUNTS] = "1" if "--mount" in way else "0"
    command = [*way, sys.executable, str(Path(program).resolve()), *arguments]
    os.execvp(command[0], command)


def add_addresses():
    sys.path.insert(0, str(HERE))
    from lib import net

    lines = ["link set lo up"]
    for address in net.addresses():
        bits = 128 if ":" in address else 32
        nodad = " nodad" if ":" in address else ""
        lines.append(f"address add {address}/{bits} dev lo{nodad}")
    batch = "\n".join(lines) + "\n"
    done = subprocess.run(
        ["ip", "-batch", "-"], input=batch, text=True, capture_output=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"run.py: cannot set up the loopback interface: {done.stderr.strip()}")


def run_tests(arguments):
    """pytest's exit status.  What it wrote stays only if something failed."""
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    if not any(Path(a.split("::")[0]).exists() for a in arguments if not a.startswith("-")):
        arguments = [*arguments, str(HERE)]
    folder = tempfile.mkdtemp(prefix="sluice-e2e-")
    status = subprocess.call([sys.executable, "-m", "pytest", "-c", str(HERE / "pytest.ini"),
                              "--rootdir", str(HERE), "--basetemp", f"{folder}/t", *arguments])
    if status == 0:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"run.py: files of the proxies are in {folder}/t")
    return status


def is_whole(arguments):
    """Nothing chooses some of the tests."""
    return SHARE not in os.environ and all(Path(a).resolve() == HERE for a in arguments)


def shown(run):
    """All that a run printed, shown while it came."""
    text = b""
    while part := os.read(run.stdout.fileno(), 65536):
        sys.stdout.buffer.write(part)
        sys.stdout.flush()
        text += part
    return text.decode()


def summary(texts, seconds):
    """The last lines of all runs as one, in the words of pytest."""
    counts = Counter()
    for text in texts:
        last = re.findall(r"^=+ (.*) in [0-9.]+s", text, re.MULTILINE) or ["1 failed"]
        for count, word in re.findall(r"([0-9]+) ([a-z]+)", last[-1]):
            counts[word] += int(count)
    del counts["deselected"]
    words = ", ".join(f"{counts[word]} {word}" for word in sorted(counts))
    return f" {words} in {seconds:.2f}s ".center(80, "=")


def run_shares(arguments):
    """Each share is a run of its own; what the first prints is seen at once."""
    begun = time.monotonic()
    runs, files = [], []
    for i in range(SHARES):
        files.append(tempfile.TemporaryFile())
        runs.append(subprocess.Popen([sys.executable, __file__, *arguments],
                                     env={**os.environ, SHARE: f"{i}/{SHARES}"},
                                     stdout=files[i] if i else subprocess.PIPE))
    texts = [shown(runs[0])]
    status = [run.wait() for run in runs]
    for file in files[1:]:
        file.seek(0)
        texts.append(file.read().decode())
        print(texts[-1])
    print(summary(texts, time.monotonic() - begun))
    return max(map(abs, status))


def main():
    binary = Path(os.environ.get("SLUICE", "sluice")).resolve()
    if not os.access(binary, os.X_OK):
        sys.exit(f"run.py: {binary} is not there; `make build` first, or set SLUICE")
    os.environ["SLUICE"] = str(binary)
    if is_whole(sys.argv[1:]):
        sys.exit(run_shares(sys.argv[1:]))
    enter_namespace(__file__, sys.argv[1:])
    add_addresses()
    sys.exit(run_tests(sys.argv[1:]))


if __name__ == "__main__":
    main()
