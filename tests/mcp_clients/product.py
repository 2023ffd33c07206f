"""The product in a project of its own, as a person would have it running: what the clients meet."""

import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE = 60.0

SETTINGS = """\
runner = "direct"
mcp_port = 0

[processes.web]
command = "echo Local: http://localhost:59999/; echo the marker of web; exec sleep 600"

[processes.fails]
command = "echo 'TypeError: total is not a function' >&2; exit 3"

[processes.ticker]
command = "while :; do echo tick; sleep 0.1; done"

[processes.slow-tests]
command = "echo begun; exec sleep 600"

[processes.mine]
command = "exec sleep 600"

[processes.keep]
command = "exec sleep 600"
"""


def until(what, look):
    """Waits for a condition, and gives what it gave."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE:.0f} s for {what}")


class Product:
    """Brummer that runs two scripts of a person, and serves; ended and removed with the block."""

    def __init__(self):
        self.binary = os.environ["BRUMMER"]

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="brummer-clients-")
        base = Path(self.folder.name).resolve()
        self.project, runtime, home = base / "shop", base / "run", base / "home"
        for path in (self.project, runtime, home):
            path.mkdir(mode=0o700)
        (self.project / ".brum.toml").write_text(SETTINGS)
        # What a client gives its servers; the SDKs keep everything else of the environment from them.
        self.environment = {"XDG_RUNTIME_DIR": str(runtime), "HOME": str(home)}
        self.log = (base / "log").open("w")
        self.process = subprocess.Popen(
            [self.binary, "--no-tui", "-d", str(self.project), "mine", "keep"],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        self.port = until("the entry of the registry", lambda: self._port(runtime / "brummer/instances"))
        return self

    def _port(self, folder):
        assert self.process.poll() is None, (Path(self.folder.name) / "log").read_text()
        for file in folder.glob("*.json"):
            return json.loads(file.read_text())["port"]
        return None

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def command(self, wire):
        """How a client starts a server on its own pipes."""
        arguments = {"stdio": ["mcp", "--stdio", "-d", str(self.project)], "hub": ["--mcp", "-d", str(self.project)]}
        return self.binary, arguments[wire]

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.log.close()
            self.folder.cleanup()
