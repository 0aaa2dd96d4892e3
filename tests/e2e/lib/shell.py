"""Client programs as a person runs them, with the proxy in their environment."""

import os
import subprocess
from collections import namedtuple

Done = namedtuple("Done", "status out errors text")


def environment(proxy, home, authority):
    """What a container sets for its programs; nothing of ours beside it."""
    ca = str(authority.ca)
    return {
        "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TMPDIR": str(home),
        "http_proxy": proxy.url, "https_proxy": proxy.url,
        "HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url,
        "CURL_CA_BUNDLE": ca, "SSL_CERT_FILE": ca, "GIT_SSL_CAINFO": ca, "PIP_CERT": ca,
        "NODE_EXTRA_CA_CERTS": ca, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
        "PIP_CONFIG_FILE": os.devnull,
    }


class Shell:
    def __init__(self, proxy, home, authority):
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.variables = environment(proxy, home, authority)

    def run(self, *command, feed=None, timeout=60):
        """Run it; output is text, and text is both streams, for messages to people."""
        done = subprocess.run([str(part) for part in command], env=self.variables, cwd=self.home,
                              capture_output=True, input=feed, timeout=timeout, check=False)
        out = done.stdout.decode("utf-8", "replace")
        errors = done.stderr.decode("utf-8", "replace")
        return Done(done.returncode, out, errors, out + errors)

    def good(self, *command, **how):
        done = self.run(*command, **how)
        assert done.status == 0, done.text
        return done

    def bad(self, *command, **how):
        done = self.run(*command, **how)
        assert done.status != 0, done.text
        return done
