"""The Python SDK against the product, in every era and on every wire; the SDK itself holds each structured answer against its schema."""

import json
import sys
import time
import traceback

import anyio
from mcp import Client, MCPError
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from mcp.client.subscriptions import ResourceUpdated
from mcp_types import (
    ElicitResult,
    PromptReference,
    ResourceTemplateReference,
    ResourceUpdatedNotification,
)

from product import PATIENCE, Product

ERAS = ["legacy", "auto", "2026-07-28"]
# Longest time for one journey: a busy machine may take a while for each step.
WHOLE = 5 * PATIENCE
TOOLS = 23
HUB_TOOLS = {"instances_list", "instances_connect", "instances_disconnect"}


class Journey:
    """One client in one era on one wire, and what it does from its first word to its last."""

    def __init__(self, product, wire, era):
        self.product, self.wire, self.era = product, wire, era
        self.updates, self.asked = [], []

    def server(self):
        if self.wire == "http":
            return self.product.url("/mcp")
        if self.wire == "sse":
            return sse_client(self.product.url("/sse"))
        command, arguments = self.product.command(self.wire)
        return StdioServerParameters(command=command, args=arguments, env=self.product.environment, cwd=self.product.project)

    async def hear(self, message):
        if isinstance(message, ResourceUpdatedNotification):
            self.updates.append(str(message.params.uri))

    async def answer(self, _context, params):
        self.asked.append(params.message)
        return ElicitResult(action="accept", content={"confirm": True})

    async def go(self):
        asks = {"elicitation_callback": self.answer, "message_handler": self.hear}
        with anyio.fail_after(WHOLE):
            async with Client(self.server(), mode=self.era, read_timeout_seconds=PATIENCE, **asks) as client:
                self.client = client
                self.is_modern = client.protocol_version == "2026-07-28"
                expected = self.era != "legacy" and self.wire != "sse"
                assert self.is_modern == expected, f"speaks {client.protocol_version}"
                steps = [self.lists, self.reads, self.refusals, self.runs, self.prompts, self.completes]
                steps += [self.progress, self.subscribes, self.cancels]
                if self.wire != "stdio":
                    steps.append(self.asks)
                for step in steps:
                    try:
                        await step()
                    except Exception as error:
                        raise AssertionError(f"{step.__name__}: {error!r}") from error
        return len(steps)

    async def pages(self, method, member):
        found, cursor = [], None
        while True:
            page = await method(cursor=cursor)
            found += getattr(page, member)
            cursor = page.next_cursor
            if cursor is None:
                return found

    def uri(self, uri):
        """As the server at hand calls it: the hub says of which instance it is."""
        return f"brummer://{self.prefix}/{uri}" if self.wire == "hub" else uri

    async def call(self, name, arguments=None, **more):
        result = await self.client.call_tool(name, arguments or {}, **more)
        assert not result.is_error, f"{name}: {result.content}"
        return result.structured_content

    async def until(self, what, look):
        with anyio.fail_after(PATIENCE):
            while not (found := await look()):
                await anyio.sleep(0.05)
            return found

    async def lists(self):
        client = self.client
        self.tools = await self.pages(client.list_tools, "tools")
        names = {tool.name for tool in self.tools}
        own = HUB_TOOLS if self.wire == "hub" else set()
        assert own <= names and len(names) == TOOLS + len(own), sorted(names)
        for tool in self.tools:
            assert tool.title and tool.description and tool.annotations, tool.name
            assert tool.output_schema or tool.name in HUB_TOOLS, tool.name
        self.resources = await self.pages(client.list_resources, "resources")
        self.templates = await self.pages(client.list_resource_templates, "resource_templates")
        prompts = await self.pages(client.list_prompts, "prompts")
        assert len(self.resources) >= 9 and len(self.templates) >= 4, (self.resources, self.templates)
        assert [prompt.name for prompt in prompts][:2] == ["api_troubleshooting", "debug_error"], prompts
        if self.wire == "hub":
            self.prefix = str(self.resources[0].uri).removeprefix("brummer://").split("/")[0]

    async def reads(self):
        for resource in self.resources:
            result = await self.client.read_resource(str(resource.uri))
            (content,) = result.contents
            assert str(content.uri) == str(resource.uri), content
            if content.mime_type == "application/json":
                json.loads(content.text)

    async def refusals(self):
        bad = await self.client.call_tool("scripts_run", {"name": "wbe"})
        assert bad.is_error and "`web`" in bad.content[0].text, bad
        bad = await self.client.call_tool("logs_stream", {"limit": 0})
        assert bad.is_error and "from 1 to 500" in bad.content[0].text, bad
        for attempt in (
            self.client.call_tool("nothing_of_that_name", {}),
            self.client.read_resource(self.uri("logs://process/nothing")),
            self.client.get_prompt("debug_error", {}),
        ):
            try:
                got = await attempt
            except MCPError:
                continue
            raise AssertionError(f"not refused: {got}")

    async def runs(self):
        run = await self.call("scripts_run", {"name": "web", "timeout": 40})
        assert run["ready"] and run["url"].startswith("http://localhost:59999"), run
        assert (await self.call("scripts_run", {"name": "web"}))["duplicate"]
        found = await self.call("logs_search", {"query": "the marker", "processId": "web"})
        assert [line["content"] for line in found["logs"]] == ["the marker of web"], found
        failed = await self.call("scripts_run", {"name": "fails", "timeout": 40})
        assert failed["exitCode"] == 3 and failed["state"] == "failed", failed
        errors = await self.call("errors_list")
        assert errors["errors"][0]["kind"] == "TypeError", errors
        assert (await self.call("errors_list", {"cursor": errors["cursor"]}))["total"] == 0
        stopped = await self.call("scripts_stop", {"processId": "web"})
        assert stopped["success"] and stopped["processes"][0]["status"] == "stopped", stopped

    async def prompts(self):
        prompt = await self.client.get_prompt("debug_error", {"error_message": "total is not"})
        assert "TypeError" in prompt.messages[0].content.text, prompt

    async def completes(self):
        found = await self.client.complete(PromptReference(name="debug_error"), {"name": "error_message", "value": "total"})
        assert any("total is not" in value for value in found.completion.values), found
        template = next(one.uri_template for one in self.templates if one.uri_template.endswith("logs://process/{name}"))
        found = await self.client.complete(ResourceTemplateReference(uri=template), {"name": "name", "value": "fa"})
        assert found.completion.values == ["fails"], found

    async def progress(self):
        told = []

        async def hear(progress, _total, message):
            told.append((progress, message))

        await self.call("scripts_run", {"name": "ticker", "until": "started"})
        follow = {"processId": "ticker", "follow": True, "limit": 5, "timeout": 40}
        first = await self.call("logs_stream", {"processId": "ticker"})
        lines = await self.call("logs_stream", {**follow, "cursor": first["cursor"]}, progress_callback=hear)
        assert len(lines["logs"]) == 5 and told, (lines, told)
        assert [one for one, _ in told] == sorted({one for one, _ in told}), told

    async def subscribes(self):
        uri = self.uri("logs://process/ticker")
        if self.is_modern:
            async with self.client.listen(resource_subscriptions=[uri]) as subscription:
                for _ in range(2):
                    event = await anext(subscription)
                    assert event == ResourceUpdated(uri=uri), event
        else:
            await self.client.subscribe_resource(uri)

            async def heard():
                return len(self.updates) >= 2

            await self.until("two updates", heard)
            await self.client.unsubscribe_resource(uri)
            assert set(self.updates) == {uri}, self.updates
        await self.call("scripts_stop", {"processId": "ticker"})

    async def status(self, name):
        rows = (await self.call("scripts_status", {"name": name}))["processes"]
        return rows[-1]["status"] if rows else None

    async def cancels(self):
        """The call is taken back while it goes on; what it has started is then ended too."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.client.call_tool, "tests_run", {"name": "slow-tests", "timeout": 500})

            async def runs():
                return await self.status("slow-tests") == "running"

            await self.until("the tests to run", runs)
            tasks.cancel_scope.cancel()

        async def ended():
            return await self.status("slow-tests") == "stopped"

        await self.until("the end of what the call has started", ended)

    async def asks(self):
        """What a person has started is ended when they say so."""
        stopped = await self.call("scripts_stop", {"processId": "mine"})
        assert stopped["success"] and len(self.asked) == 1 and "mine" in self.asked[0], (stopped, self.asked)


def main():
    failed = 0
    for wire in ["http", "sse", "stdio", "hub"]:
        # The wire of 2024-11-05 has one era.
        for era in ERAS if wire != "sse" else ERAS[:2]:
            begun = time.monotonic()
            try:
                with Product() as product:
                    steps = anyio.run(Journey(product, wire, era).go)
                print(f"Python SDK  {wire:6} {era:11} {steps} steps in {time.monotonic() - begun:.1f} s", flush=True)
            except BaseException as error:
                failed += 1
                print(f"Python SDK  {wire:6} {era:11} FAILED", flush=True)
                traceback.print_exception(error, file=sys.stdout)
                if isinstance(error, KeyboardInterrupt):
                    raise
    return failed


sys.exit(1 if main() else 0)
