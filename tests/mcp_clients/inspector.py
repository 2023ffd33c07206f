"""The Inspector's command line against the product, in every era and on every wire: each request is a client of its own."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from product import PATIENCE, Product

ERAS = {"legacy": "2025-11-25", "auto": "2026-07-28", "modern": "2026-07-28"}


class Inspector:
    """The Inspector in one era on one wire."""

    def __init__(self, product, wire, era):
        self.product, self.wire, self.era, self.steps = product, wire, era, 0

    def run(self, method, *words):
        command = [*os.environ["INSPECTOR"].split(), "--cli", "--quiet", "--format", "json", "--protocol-era", self.era]
        command += ["--method", method, *words]
        if self.wire in ("http", "sse"):
            path = {"http": "/mcp", "sse": "/sse"}[self.wire]
            command += ["--transport", self.wire, "--server-url", self.product.url(path)]
        else:
            program, arguments = self.product.command(self.wire)
            command += ["-e", f"XDG_RUNTIME_DIR={self.product.environment['XDG_RUNTIME_DIR']}", "--", program, *arguments]
        environment = {**os.environ, **self.product.environment}
        done = subprocess.run(command, env=environment, cwd=self.product.project, capture_output=True, text=True, timeout=PATIENCE)
        self.steps += 1
        return done

    def ask(self, method, *words):
        done = self.run(method, *words)
        assert done.returncode == 0, f"{method} {words}: exit {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)["result"]

    def call(self, tool, **arguments):
        result = self.ask("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        return result["structuredContent"]

    def go(self):
        self.greets()
        # --strict judges every schema by what models of all makers take.
        tools = self.ask("tools/list", "--strict")["tools"]
        assert len(tools) == (26 if self.wire == "hub" else 23), [tool["name"] for tool in tools]
        failed = self.call("scripts_run", name="fails", timeout=40)
        assert failed["exitCode"] == 3 and failed["errorList"][0]["message"].startswith("TypeError"), failed
        bad = self.run("tools/call", "--tool-name", "scripts_run", "--tool-args-json", '{"name":"wbe"}')
        assert bad.returncode == 5, f"a refusal exits with {bad.returncode}: {bad.stderr}"
        resources = self.ask("resources/list")["resources"]
        active = next(one["uri"] for one in resources if one["uri"].endswith("processes://active"))
        content = self.ask("resources/read", "--uri", active)["contents"][0]
        assert "summary" in json.loads(content["text"]), content
        prompt = self.ask("prompts/get", "--prompt-name", "debug_error", "--prompt-args", "error_message=total")
        assert "total" in prompt["messages"][0]["content"]["text"], prompt
        if self.wire == "http":
            self.goes_on()
        return self.steps

    def greets(self):
        hello = self.ask("initialize")
        version = hello["protocolVersion"]
        # The wire of 2024-11-05 has one era.
        expected = ERAS["legacy"] if self.wire == "sse" else ERAS[self.era]
        assert version == expected, version
        name = "brummer-hub" if self.wire == "hub" else "brummer"
        assert hello["serverInfo"]["name"] == name, hello

    def goes_on(self):
        """What one client has begun the next one finds, and ends."""
        run = self.call("scripts_run", name="web", timeout=40)
        assert run["ready"], run
        found = self.call("logs_search", query="the marker", processId="web")
        assert found["total"] == 1, found
        assert self.call("scripts_stop", processId="web")["success"]
        templates = self.ask("resources/templates/list")["resourceTemplates"]
        assert any(one["uriTemplate"].endswith("logs://process/{name}") for one in templates), templates
        prompts = [one["name"] for one in self.ask("prompts/list")["prompts"]]
        assert "debug_error" in prompts, prompts


def journey(wire, era):
    begun = time.monotonic()
    try:
        with Product() as product:
            steps = Inspector(product, wire, era).go()
        print(f"Inspector   {wire:6} {era:11} {steps} requests in {time.monotonic() - begun:.1f} s", flush=True)
        return True
    except (AssertionError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        print(f"Inspector   {wire:6} {era:11} FAILED: {error!r}", flush=True)
        return False


def main():
    pairs = [(wire, era) for wire in ["http", "sse", "stdio", "hub"] for era in ERAS if (wire, era) != ("sse", "modern")]
    with ThreadPoolExecutor(2) as pool:
        return all(list(pool.map(lambda pair: journey(*pair), pairs)))


sys.exit(0 if main() else 1)
