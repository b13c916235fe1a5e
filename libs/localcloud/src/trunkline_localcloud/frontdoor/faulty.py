"""Calls that fail on purpose."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from trunkline_localcloud.faults import FaultRule, injector
from trunkline_localcloud.frontdoor.asgi import AsgiApp, Receive, Scope, Send
from trunkline_localcloud.frontdoor.bodies import HeldResponse, read_body, replayed
from trunkline_localcloud.frontdoor.calls import Call, describe

__all__ = ["serve_with_faults"]


async def serve_with_faults(emulator: AsgiApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request as the rules in force let it."""
    body = await read_body(receive)
    call = describe(scope, body)
    if await _struck(injector.strike("before", call.function, call.actions), call, send):
        return
    held = HeldResponse(send)
    await emulator(scope, replayed(body, receive), held.hold)
    if not await _struck(injector.strike("after", call.function, call.actions), call, send):
        await held.let_go()


async def _struck(rules: list[FaultRule], call: Call, send: Send) -> bool:
    """Let the rules take effect; True when the caller has its answer."""
    answer: tuple[int, dict[str, str], bytes] | None = None
    for rule in rules:
        if rule.effect == "latency":
            await asyncio.sleep(rule.latency_ms / 1000)
        elif rule.effect == "kill" and call.holder is not None:
            call.holder.kill()
            answer = 503, {}, b""
        elif rule.effect == "deny":
            answer = _refusal(call, status=403)
        else:
            answer = _refusal(call, status=rule.status, code=rule.code, message=f"fault {rule.id}")
    if answer is None:
        return False
    status, headers, body = answer
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
    return True


def _refusal(
    call: Call, *, status: int, code: str = "", message: str = ""
) -> tuple[int, dict[str, str], bytes]:
    """A refusal in the called service's own protocol."""
    from ministack.core import iam_actions

    action, resource = call.actions[0]
    request_id = secrets.token_hex(16)
    response: Any = iam_actions.access_denied_response(
        call.service,
        action,
        _principal(call),
        request_id,
        error_code=code,
        message=message,
        headers=call.headers,
        resource_arn=resource,
        explicit_deny=True,
    )
    _, headers, body = response
    return status, {**headers, "x-amzn-requestid": request_id}, body


def _principal(call: Call) -> str:
    if call.holder is None:
        return "anonymous"
    function = call.holder.function
    session = f"assumed-role/{function.role_name}/{function.name}"
    return f"arn:aws:sts::{function.account_id}:{session}"
