"""Five instances behind the hub, driven by the Python SDK while they are killed, moved, stalled and ended."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import anyio
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters

from product import PATIENCE, until

NAMES = ["ant", "bee", "cat", "dog", "elk"]

SETTINGS = """\
runner = "direct"
mcp_port = 0

[processes.slow-tests]
command = "echo begun; exec sleep 600"
"""


class Five:
    """Five projects, each with its Brummer; all are ended and removed with the block."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="brummer-chaos-")
        self.base = Path(self.folder.name).resolve()
        self.environment = {}
        for variable, name in [("XDG_RUNTIME_DIR", "run"), ("HOME", "home")]:
            (self.base / name).mkdir(mode=0o700)
            self.environment[variable] = str(self.base / name)
        self.guardians = {}
        for name in NAMES:
            (self.base / name).mkdir()
            (self.base / name / ".brum.toml").write_text(SETTINGS)
            self.start(name)
        return self

    def start(self, name):
        self.guardians[name] = subprocess.Popen(
            [os.environ["BRUMMER"], "--no-tui", "-d", str(self.base / name)],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def pid(self, name):
        """The process that serves, as it has registered itself."""

        def registered():
            for file in (self.base / "run/brummer/instances").glob("*.json"):
                try:
                    entry = json.loads(file.read_text())
                except FileNotFoundError:
                    continue
                if entry["directory"] == str(self.base / name):
                    return entry["process_info"]["pid"]
            return None

        return until(f"the entry of {name}", registered)

    def signal(self, name, number):
        os.kill(self.pid(name), number)

    def __exit__(self, *_):
        for guardian in self.guardians.values():
            guardian.send_signal(signal.SIGCONT)
            guardian.send_signal(signal.SIGTERM)
        for guardian in self.guardians.values():
            guardian.wait(PATIENCE)
        self.folder.cleanup()


class Chaos:
    def __init__(self, five, client):
        self.five, self.client = five, client

    async def call(self, instance, tool="scripts_list", /, **arguments):
        return await self.client.call_tool(tool, {"instance": instance, **arguments})

    async def instances(self):
        listed = (await self.client.call_tool("instances_list", {})).structured_content["instances"]
        return {one["name"]: one for one in listed if one["state"] == "active"}

    async def until(self, what, look):
        try:
            with anyio.fail_after(PATIENCE):
                while not (found := await look()):
                    await anyio.sleep(0.05)
                return found
        except TimeoutError:
            raise AssertionError(f"waited {PATIENCE:.0f} s for {what}") from None

    async def until_active(self, *names):
        async def are_active():
            return set(await self.instances()) == set(names)

        await self.until(f"just {names} to be active", are_active)

    async def until_answers(self, name):
        async def answers():
            return await self.is_answered(name)

        await self.until(f"an answer of {name}", answers)

    async def is_answered(self, name):
        """Whether this very instance answers, and no other in its place."""
        try:
            result = await self.call(name)
        except MCPError:
            return False
        assert result.is_error or result.structured_content["project"]["name"] == name, result
        return not result.is_error

    async def killed_in_a_call(self):
        ended = {}

        async def tests():
            try:
                result = await self.call("ant", "tests_run", name="slow-tests", timeout=500)
                ended["how"] = result.content[0].text if result.is_error else None
            except MCPError as error:
                ended["how"] = str(error)

        async def runs():
            result = await self.call("ant", "scripts_status", name="slow-tests")
            return "running" in json.dumps(result.structured_content or {})

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tests)
            await self.until("the tests to run", runs)
            self.five.signal("ant", signal.SIGKILL)
        assert ended["how"], "the call ends with an error that says why"
        await self.until_active(*NAMES[1:])
        self.five.guardians["ant"].wait(PATIENCE)

    async def comes_back_elsewhere(self):
        self.five.start("ant")
        await self.until_active(*NAMES)
        await self.until_answers("ant")

    async def stalls(self):
        self.five.signal("bee", signal.SIGSTOP)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.is_answered, "bee")
            for name in NAMES[2:]:
                begun = time.monotonic()
                assert await self.is_answered(name), name
                assert time.monotonic() - begun < PATIENCE / 2, f"{name} waits for the one that stalls"
            self.five.guardians["bee"].send_signal(signal.SIGCONT)
            self.five.signal("bee", signal.SIGCONT)
        await self.until_answers("bee")

    async def ends(self):
        self.five.signal("elk", signal.SIGTERM)
        self.five.guardians["elk"].wait(PATIENCE)
        await self.until_active(*NAMES[:-1])


async def go(five, era):
    command = StdioServerParameters(
        command=os.environ["BRUMMER"], args=["--mcp", "-d", str(five.base)], env=five.environment, cwd=five.base
    )
    async with Client(command, mode=era, read_timeout_seconds=PATIENCE) as client:
        chaos = Chaos(five, client)
        await chaos.until_active(*NAMES)
        for name in NAMES:
            await chaos.until_answers(name)
        await chaos.killed_in_a_call()
        await chaos.comes_back_elsewhere()
        await chaos.stalls()
        await chaos.ends()


def main():
    failed = 0
    for era in ["legacy", "2026-07-28"]:
        begun = time.monotonic()
        try:
            with Five() as five:
                anyio.run(go, five, era)
            print(f"Python SDK  chaos  {era:11} in {time.monotonic() - begun:.1f} s", flush=True)
        except Exception as error:
            failed += 1
            print(f"Python SDK  chaos  {era:11} FAILED", flush=True)
            traceback.print_exception(error, file=sys.stdout)
    return failed


sys.exit(1 if main() else 0)
