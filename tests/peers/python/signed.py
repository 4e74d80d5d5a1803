"""An MCP server with its own sign-in, made with FastMCP or with the official SDK, whose access tokens live short.

    signed.py fastmcp|mcp [--access-ttl SECONDS]

The libraries bring the endpoints and the documents; what is granted to whom is kept here. Refresh tokens rotate, and one
that is used twice ends its grant. The first line it prints is `{"event":"ready","url":…}`; then one for each thing that
happens. It ends when its standard input closes.
"""

import argparse
import json
import os
import secrets
import socket
import sys
import threading
import time
from html import escape

import uvicorn
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthToken
from starlette.responses import HTMLResponse, RedirectResponse

SCOPES = ["notes"]


def say(event, **details):
    print(json.dumps({"event": event, **details}), flush=True)


class Keeper:
    """Clients, codes and grants, as the libraries ask for them."""

    def __init__(self, origin, resource, ttl, **more):
        super().__init__(**more)
        self.origin, self.resource, self.ttl = origin, resource, ttl
        self.clients, self.asking, self.codes = {}, {}, {}
        # Each token and the number of its grant; a refresh token that was used stays, as used.
        self.access, self.refresh, self.used, self.ended = {}, {}, {}, set()

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client_info):
        self.clients[client_info.client_id] = client_info
        say("registered", client=client_info.client_id, name=client_info.client_name)

    async def authorize(self, client, params: AuthorizationParams):
        handle = secrets.token_hex(16)
        self.asking[handle] = (client, params)
        return f"{self.origin}/consent?ask={handle}"

    def page(self, handle):
        client, params = self.asking[handle]
        return HTMLResponse(
            f"<!doctype html><title>Sign in</title><p>{escape(client.client_name or '')} asks for"
            f" {escape(' '.join(params.scopes or []))}</p><form method=post action='/consent?ask={handle}'>"
            "<button name=decision value=approve>Approve</button></form>"
        )

    def approve(self, handle):
        client, params = self.asking.pop(handle)
        code = AuthorizationCode(
            code=secrets.token_hex(20),
            client_id=client.client_id,
            scopes=params.scopes or SCOPES,
            expires_at=time.time() + 60,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject="anna",
        )
        self.codes[code.code] = code
        say("approved", client=client.client_id, resource=params.resource)
        back = construct_redirect_uri(
            str(params.redirect_uri), code=code.code, state=params.state, iss=self.issuer
        )
        return RedirectResponse(back, status_code=303)

    async def load_authorization_code(self, client, authorization_code):
        code = self.codes.get(authorization_code)
        return code if code and code.client_id == client.client_id else None

    async def exchange_authorization_code(self, client, authorization_code):
        del self.codes[authorization_code.code]
        say("token", grant="authorization_code", client=client.client_id, resource=authorization_code.resource)
        return self.issue(secrets.token_hex(8), authorization_code)

    async def load_refresh_token(self, client, refresh_token):
        if refresh_token in self.used:
            self.end(self.used[refresh_token])
            return None
        token = self.refresh.get(refresh_token, (None, None))[1]
        return token if token and token.client_id == client.client_id else None

    async def exchange_refresh_token(self, client, refresh_token, scopes):
        if not set(scopes) <= set(refresh_token.scopes):
            raise TokenError("invalid_scope")
        grant, before = self.refresh.pop(refresh_token.token)
        self.used[refresh_token.token] = grant
        say("token", grant="refresh_token", client=client.client_id)
        return self.issue(grant, before)

    def issue(self, grant, of):
        common = dict(client_id=of.client_id, scopes=of.scopes, resource=of.resource, subject=of.subject)
        access = AccessToken(token=secrets.token_hex(20), expires_at=int(time.time()) + self.ttl, **common)
        refresh = RefreshToken(token=secrets.token_hex(20), **common)
        self.access[access.token], self.refresh[refresh.token] = (grant, access), (grant, refresh)
        return OAuthToken(
            access_token=access.token,
            token_type="Bearer",
            expires_in=self.ttl,
            refresh_token=refresh.token,
            scope=" ".join(of.scopes),
        )

    def end(self, grant):
        for kept in (self.access, self.refresh):
            for token in [token for token, (of, _) in kept.items() if of == grant]:
                del kept[token]
        say("grant_ended", grant=grant)

    async def load_access_token(self, token):
        access = self.access.get(token, (None, None))[1]
        if not access or access.expires_at < time.time():
            return None
        # A token for somebody else is none here (RFC 8707).
        return access if access.resource == self.resource else None

    async def verify_token(self, token):
        return await self.load_access_token(token)

    async def revoke_token(self, token):
        grant = (self.refresh.get(token.token) or self.access.get(token.token) or (None,))[0]
        say("revoked", kind=type(token).__name__)
        if grant:
            self.end(grant)


def echo(text: str) -> str:
    """Says what it was told."""
    say("call", tool="echo")
    return text


def own(kind, origin, resource, ttl):
    """The server of one of the two libraries."""
    registration = ClientRegistrationOptions(enabled=True, valid_scopes=SCOPES, default_scopes=SCOPES)
    revocation = RevocationOptions(enabled=True)
    if kind == "fastmcp":
        from fastmcp import FastMCP
        from fastmcp.server.auth.auth import OAuthProvider

        class Provider(Keeper, OAuthProvider):
            pass

        provider = Provider(
            origin,
            resource,
            ttl,
            base_url=origin,
            client_registration_options=registration,
            revocation_options=revocation,
            required_scopes=SCOPES,
        )
        provider.issuer = str(provider.issuer_url)
        mcp = FastMCP("fastmcp-signed", version="1.0.0", auth=provider)
        return mcp, provider, mcp.http_app

    from mcp.server.mcpserver import MCPServer

    provider = Keeper(origin, resource, ttl)
    settings = AuthSettings(
        issuer_url=origin,
        resource_server_url=resource,
        client_registration_options=registration,
        revocation_options=revocation,
        required_scopes=SCOPES,
        validate_token_resource=True,
    )
    provider.issuer = str(settings.issuer_url)
    mcp = MCPServer("mcp-signed", version="1.0.0", auth=settings, auth_server_provider=provider)
    return mcp, provider, mcp.streamable_http_app


def end_with_input():
    sys.stdin.read()
    os._exit(0)


arguments = argparse.ArgumentParser()
arguments.add_argument("kind", choices=["fastmcp", "mcp"])
arguments.add_argument("--access-ttl", type=int, default=3600)
options = arguments.parse_args()

listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=end_with_input, daemon=True).start()
origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
mcp, provider, app = own(options.kind, origin, f"{origin}/mcp", options.access_ttl)
mcp.tool(annotations={"readOnlyHint": True})(echo)


@mcp.custom_route("/consent", methods=["GET", "POST"])
async def consent(request):
    handle = request.query_params["ask"]
    return provider.approve(handle) if request.method == "POST" else provider.page(handle)


say("ready", url=f"{origin}/mcp", issuer=provider.issuer)
uvicorn.Server(uvicorn.Config(app(), log_level="warning", lifespan="on")).run(sockets=[listener])
