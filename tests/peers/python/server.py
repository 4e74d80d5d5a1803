"""An MCP server made with FastMCP, in both eras, open to everybody.

    server.py

The first line it prints is `{"event":"ready","url":…}`; then one for each thing that happens. It ends when its
standard input closes.
"""

import json
import os
import socket
import sys
import threading
from typing import Annotated

import anyio
import mcp_types as types
import uvicorn
from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from pydantic import BaseModel, Field


def say(event, **details):
    print(json.dumps({"event": event, **details}), flush=True)


mcp = FastMCP("fastmcp-peer", version="1.0.0", instructions="A server to test with.")


class Weather(BaseModel):
    city: str
    degrees: float


@mcp.tool(annotations={"readOnlyHint": True})
def echo(text: Annotated[str, Field(description="What to say")]) -> str:
    """Says what it was told."""
    say("call", tool="echo")
    return text


@mcp.tool
def weather(city: str) -> Weather:
    """Answers with an object."""
    return Weather(city=city, degrees=-1.5)


@mcp.tool
def fail() -> str:
    """Always fails."""
    raise ToolError("This tool always fails.")


@mcp.tool
async def slow(steps: int, context: Context) -> str:
    """Takes its time, and tells how far it is every 50 ms."""
    try:
        for step in range(1, steps + 1):
            await anyio.sleep(0.05)
            await context.report_progress(step, steps, f"step {step}")
    except anyio.get_cancelled_exc_class():
        say("cancelled", tool="slow")
        raise
    say("finished", tool="slow")
    return f"{steps} steps"


class Person(BaseModel):
    name: str


@mcp.tool
async def ask(context: Context) -> str:
    """Asks the person for a name, in the way of the old era: in the middle of the call."""
    answer = await context.elicit("What is your name?", response_type=Person)
    say("answered", action=answer.action)
    return f"Hello {answer.data.name}" if answer.action == "accept" else answer.action


QUESTION = types.ElicitRequest(
    method="elicitation/create",
    params=types.ElicitRequestFormParams(
        message="What is your name?",
        requested_schema={"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    ),
)


@mcp.tool
async def ask_in_result(context: Context) -> str | types.InputRequiredResult:
    """Asks the person for a name, in the way of the new era: as the result of the call."""
    answer = (context.input_responses or {}).get("name")
    if answer is None:
        return types.InputRequiredResult(input_requests={"name": QUESTION}, request_state="asked")
    say("answered", action=answer.action, state=context.request_state)
    return f"Hello {answer.content['name']}" if answer.action == "accept" else answer.action


@mcp.resource("note:///{name}", mime_type="text/plain")
def note(name: str) -> str:
    """A note."""
    return f"The note {name}."


@mcp.resource("note:///welcome", mime_type="text/plain")
def welcome() -> str:
    """A note that is always there."""
    return "Welcome."


@mcp.prompt
def greet(name: str) -> str:
    """Greets somebody."""
    return f"Say hello to {name}."


def end_with_input():
    sys.stdin.read()
    os._exit(0)


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=end_with_input, daemon=True).start()
say("ready", url=f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
uvicorn.Server(uvicorn.Config(mcp.http_app(), log_level="warning", lifespan="on")).run(sockets=[listener])
