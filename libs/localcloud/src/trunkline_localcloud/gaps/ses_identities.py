"""An e-mail identity keeps its default configuration set.

``CreateEmailIdentity`` and ``PutEmailIdentityConfigurationSetAttributes`` set it and
``GetEmailIdentity`` returns it
(https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_PutEmailIdentityConfigurationSetAttributes.html).
MiniStack knows neither. Here both write it into MiniStack's record of the identity.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "ses_identities"
_CREATE = "/v2/email/identities"
_ASSOCIATE = re.compile(r"/v2/email/identities/([^/]+)/configuration-set")


def install(_settings: CloudSettings) -> None:
    """Keep the configuration set of an identity."""
    from ministack.services import ses_v2

    identities = expect(_GAP, ses_v2, "_identities")
    answer_json = expect(_GAP, ses_v2, "json_response")

    def handling(original: Callable[..., Any]) -> Callable[..., Any]:
        async def handle_request(
            method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Any
        ) -> Any:
            path = path.rstrip("/")
            if method == "PUT" and (found := _ASSOCIATE.fullmatch(path)):
                record = identities.get(unquote(found[1]))
                if record is None:
                    return 404, {"x-amzn-errortype": "NotFoundException"}, b"{}"
                record["ConfigurationSetName"] = json.loads(body).get("ConfigurationSetName")
                return answer_json({})
            answer = await original(method, path, headers, body, query_params)
            if method == "POST" and path == _CREATE and answer[0] == 200:
                request = json.loads(body)
                if name := request.get("ConfigurationSetName"):
                    identities[request["EmailIdentity"]]["ConfigurationSetName"] = name
            return answer

        return handle_request

    replace(
        _GAP,
        ses_v2,
        "handle_request",
        ("method", "path", "headers", "body", "query_params"),
        handling,
    )
