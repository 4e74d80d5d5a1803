"""An app made with the official Python SDK that does with the fixture (../fixture.mjs) all there is to do.

    client.py URL [--mode legacy|auto|2026-07-28] [--bearer TOKEN]

It prints the lines that ../client.mjs prints, one for each step, and leaves with 1 when one fails.
"""

import argparse
import json
import sys
import warnings

import anyio
import mcp_types as types
from mcp import MCPError
from mcp.client import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

# The SDK warns of what the new era has no more; this app speaks the old one, too.
warnings.simplefilter("ignore")

WATCHED = "test://watched-resource"
WORDS = {"string": "Anna", "integer": 7, "number": 7.5, "boolean": True}


def say(event, **details):
    print(json.dumps({"event": event, **details}, ensure_ascii=False), flush=True)


def filled(field):
    """A word for a field of a form."""

    def choices(kind):
        return kind.get("enum") or [one["const"] for one in kind.get("oneOf") or kind.get("anyOf") or []]

    if field["type"] == "array":
        return choices(field["items"])[:2]
    return next(iter(choices(field)), WORDS[field["type"]])


class App:
    """What this app answers and hears."""

    def __init__(self):
        self.asked = []
        self.heard = []
        self.listens = False
        self.news = anyio.Event()

    async def elicit(self, _context, params):
        self.asked.append("elicitation/create")
        schema = getattr(params, "requested_schema", None) or {}
        content = {name: filled(field) for name, field in schema.get("properties", {}).items()}
        return types.ElicitResult(action="accept", content=content)

    async def sample(self, _context, params):
        self.asked.append("sampling/createMessage")
        content = params.messages[0].content
        text = (content[0] if isinstance(content, list) else content).text
        answer = types.TextContent(type="text", text=f"About “{text}”")
        return types.CreateMessageResult(role="assistant", content=answer, model="peer", stop_reason="endTurn")

    async def roots(self, _context):
        self.asked.append("roots/list")
        return types.ListRootsResult(roots=[types.Root(uri="file:///srv/tea", name="tea")])

    async def log(self, params):
        self.hear("notifications/message", params.data)

    async def message(self, message):
        method = getattr(message, "method", None)
        # What is logged has a callback of its own, and what is listened to comes by that way, too.
        if method not in (None, "notifications/message") and not self.listens:
            self.hear(method, getattr(message.params, "uri", None))

    def hear(self, method, what):
        self.heard.append((method, what))
        self.news.set()
        self.news = anyio.Event()

    async def until(self, method):
        """What comes with the next notification of this kind, or came."""
        with anyio.fail_after(60):
            while True:
                for at, (one, what) in enumerate(self.heard):
                    if one == method:
                        del self.heard[at]
                        return what
                await self.news.wait()


class Watching:
    """Hearing of changes, in the manner of the era."""

    def __init__(self, client, app, modern):
        self.client, self.app, self.modern = client, app, modern

    async def __aenter__(self):
        if not self.modern:
            await self.client.subscribe_resource(WATCHED)
            return
        self.app.listens = True
        self.tasks = anyio.create_task_group()
        await self.tasks.__aenter__()
        await self.tasks.start(self.listen)

    async def listen(self, *, task_status):
        listening = self.client.listen(
            tools_list_changed=True, prompts_list_changed=True, resource_subscriptions=[WATCHED]
        )
        async with listening as events:
            task_status.started()
            async for event in events:
                name = type(event).__name__
                if name == "ToolsListChanged":
                    self.app.hear("notifications/tools/list_changed", None)
                elif name == "ResourceUpdated":
                    self.app.hear("notifications/resources/updated", str(event.uri))

    async def __aexit__(self, *failure):
        if not self.modern:
            await self.client.unsubscribe_resource(WATCHED)
            return
        self.tasks.cancel_scope.cancel()
        await self.tasks.__aexit__(*failure)


async def all_of_it(client, app):
    modern = client.protocol_version >= "2026"
    say(
        "connected",
        era="modern" if modern else "legacy",
        server=client.server_info.name if client.server_info else None,
        capabilities=sorted(client.server_capabilities.model_dump(exclude_none=True, by_alias=True)),
    )
    tools = (await client.list_tools()).tools
    prompts = (await client.list_prompts()).prompts
    resources = (await client.list_resources()).resources
    templates = (await client.list_resource_templates()).resource_templates
    say(
        "listed",
        tools=[tool.name for tool in tools],
        prompts=[prompt.name for prompt in prompts],
        resources=[str(resource.uri) for resource in resources],
        templates=[template.uri_template for template in templates],
    )

    async def text(name, arguments=None, **more):
        result = await client.call_tool(name, arguments or {}, **more)
        assert not result.is_error, result
        return result.content[0].text

    say("called", text=await text("test_simple_text"))
    structured = await client.call_tool("test_structured", {"city": "Ulm"})
    say("structured", structuredContent=structured.structured_content)
    say("mirrored", text=await text("test_headers", {"city": "Zürich am See "}))
    say("failed", isError=(await client.call_tool("test_error_handling", {})).is_error)

    steps = []

    async def progress(progress, _total, _message):
        steps.append(int(progress))

    await client.call_tool("test_tool_with_progress", {}, progress_callback=progress)
    say("progress", steps=steps)
    await client.call_tool("test_tool_with_logging", {})
    say("logged", logged=[await app.until("notifications/message") for _ in range(3)])

    async def ask(name, arguments=None, **more):
        app.asked.clear()
        answered = await text(name, arguments, **more)
        say("asked", tool=name, methods=sorted(app.asked), text=answered)

    await ask("test_elicitation", {"message": "Who are you?"})
    await ask("test_elicitation_sep1330_enums")
    await ask("test_sampling", {"prompt": "tea"})
    await ask("test_input_required_result_list_roots")
    await ask("test_input_required_result_multiple_inputs")
    await ask("test_input_required_result_multi_round")
    await ask("test_streaming_elicitation", progress_callback=progress)

    prompt = await client.get_prompt("test_input_required_result_prompt")
    say("prompt", text=prompt.messages[0].content.text)

    async def read(uri):
        return (await client.read_resource(uri)).contents[0].text

    say("read", texts=[await read("test://static-text"), await read("test://asking")])
    reference = types.PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
    completed = await client.complete(reference, {"name": "arg1", "value": "pa"})
    say("completed", values=completed.completion.values)
    try:
        await read("test://no-such-resource")
        sys.exit("a resource that there is not was read")
    except MCPError as error:
        assert error.code in (-32002, -32602), error
    say("missed")

    async with Watching(client, app, modern):

        async def count():
            return len((await client.list_tools(cache_mode="bypass")).tools) - len(tools)

        await client.call_tool("test_trigger_tool_change", {})
        await app.until("notifications/tools/list_changed")
        after = await count()
        await client.call_tool("test_trigger_tool_change", {})
        await app.until("notifications/tools/list_changed")
        say("changed", tools=after, again=await count())
        before = await read(WATCHED)
        await client.call_tool("test_trigger_resource_change", {})
        uri = await app.until("notifications/resources/updated")
        say("updated", uri=str(uri), anew=await read(WATCHED) != before)

    with anyio.CancelScope() as leaving:

        async def leave(_progress, _total, _message):
            leaving.cancel()

        await client.call_tool("test_slow", {"steps": 1000}, progress_callback=leave)
    assert leaving.cancelled_caught
    say("left")
    say("called", text=await text("test_simple_text"))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--mode", default="auto")
    parser.add_argument("--bearer")
    options = parser.parse_args()
    headers = {"Authorization": f"Bearer {options.bearer}"} if options.bearer else {}
    app = App()
    async with create_mcp_http_client(headers=headers) as http:
        client = Client(
            streamable_http_client(options.url, http_client=http),
            mode=options.mode,
            log_level="info",
            elicitation_callback=app.elicit,
            sampling_callback=app.sample,
            list_roots_callback=app.roots,
            logging_callback=app.log,
            message_handler=app.message,
        )
        async with client:
            await all_of_it(client, app)
    say("done")


anyio.run(main)
