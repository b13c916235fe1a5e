"""The control API: health, faults, calls, e-mails, credentials, saving: ``/_localcloud/``.

All but health want the administrator's signature for the service ``localcloud``.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from urllib.parse import parse_qs

from trunkline_localcloud.errors import InvalidFaultRule
from trunkline_localcloud.faults import FaultRule, injector
from trunkline_localcloud.frontdoor.aging import age_stream
from trunkline_localcloud.frontdoor.asgi import Receive, Scope, Send, send_json
from trunkline_localcloud.frontdoor.bodies import read_body
from trunkline_localcloud.frontdoor.emails import accepted_emails
from trunkline_localcloud.frontdoor.recorder import Recorder
from trunkline_localcloud.frontdoor.saving import save
from trunkline_localcloud.frontdoor.signatures import is_administrator
from trunkline_localcloud.functions.outside import issue_outside

__all__ = ["ControlApi"]

PREFIX = "/_localcloud/"


class ControlApi:
    """Serves the control API.

    Args:
        recorder: Where calls are recorded.
        access_key: The administrator's.
    """

    def __init__(self, recorder: Recorder, *, access_key: str) -> None:
        self._recorder = recorder
        self._access_key = access_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request below the prefix."""
        method, name = scope["method"], scope["path"].removeprefix(PREFIX)
        if (method, name) == ("GET", "health"):
            await send_json(send, HTTPStatus.OK, {"status": "ready"})
            return
        body = await read_body(receive)
        if not is_administrator(scope, body, access_key=self._access_key):
            message = "The control API wants the administrator's signature."
            await send_json(send, HTTPStatus.FORBIDDEN, {"message": message})
            return
        status, content = self._answer(method, name, scope, body)
        await send_json(send, status, content)

    def _answer(self, method: str, name: str, scope: Scope, body: bytes) -> tuple[int, object]:
        match (method, name):
            case ("PUT", "faults"):
                return _replace_faults(body)
            case ("GET", "faults"):
                return HTTPStatus.OK, injector.listed()
            case ("DELETE", "faults"):
                injector.replace(())
                return HTTPStatus.OK, []
            case ("GET", "requests"):
                query = parse_qs(scope["query_string"].decode("latin-1"))
                since = query.get("since", ["0"])[0]
                return HTTPStatus.OK, self._recorder.since(int(since) if since.isdigit() else 0)
            case ("GET", "emails"):
                return HTTPStatus.OK, accepted_emails()
            case ("POST", "streams"):
                return _age_stream(body)
            case ("POST", "credentials"):
                return _role_credentials(body)
            case ("POST", "state"):
                save()
                return HTTPStatus.OK, {}
        return HTTPStatus.NOT_FOUND, {"message": f"no such operation: {method} {name}"}


def _age_stream(body: bytes) -> tuple[int, object]:
    try:
        wanted = json.loads(body)
        table, seconds = str(wanted["table"]), float(wanted["seconds"])
    except (KeyError, ValueError, TypeError):
        message = 'say which, and how much older: {"table": "orders", "seconds": 90000}'
        return HTTPStatus.BAD_REQUEST, {"message": message}
    return HTTPStatus.OK, {"records": age_stream(table, seconds)}


def _role_credentials(body: bytes) -> tuple[int, object]:
    """Credentials of a function's role, for code that runs outside of the cloud."""
    try:
        name = str(json.loads(body)["function"])
        credentials = issue_outside(name)
    except (LookupError, TypeError, ValueError):
        return HTTPStatus.NOT_FOUND, {"message": 'say {"function": "the name of a function"}'}
    return HTTPStatus.OK, {
        "access_key_id": credentials.access_key,
        "secret_access_key": credentials.secret_key,
        "session_token": credentials.session_token,
    }


def _replace_faults(body: bytes) -> tuple[int, object]:
    try:
        rules = [FaultRule.parse(rule) for rule in json.loads(body or b"[]")]
    except (InvalidFaultRule, ValueError, TypeError) as error:
        return HTTPStatus.BAD_REQUEST, {"message": str(error)}
    injector.replace(rules)
    return HTTPStatus.OK, injector.listed()
