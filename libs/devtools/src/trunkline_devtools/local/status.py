"""What runs and how to reach it."""

from __future__ import annotations

import re
from typing import Any

from rich.table import Table

from trunkline.manifest import names
from trunkline_devtools.aws import queues_of
from trunkline_devtools.local.cloud import running as running_cloud
from trunkline_devtools.local.platform import LocalPlatform
from trunkline_devtools.workspace import LOCAL, Workspace

__all__ = ["facts", "table"]


def facts(workspace: Workspace) -> dict[str, Any]:
    """Everything that a program needs to use the platform; holds keys, so handle with care.

    Functions, queues and tables are listed by their names in AWS.

    Raises:
        NothingRuns: it does not run.
        DevtoolsError: the platform is not wholly there.
    """
    platform = LocalPlatform(workspace)
    cloud = running_cloud(workspace.cloud)
    running = platform.running()
    parameters = running.parameters.all()
    customer, tokens = platform.customer(), running.sign_in()
    pairs = queues_of(platform.manifests, LOCAL)
    return {
        "endpoint": cloud.endpoint,
        "region": cloud.region,
        "account_id": cloud.account_id,
        "administrator": {
            "access_key_id": cloud.admin_access_key,
            "secret_access_key": cloud.admin_secret_key,
        },
        "public_url": parameters["edge/public-url"],
        "user_pool_id": parameters["edge/user-pool-id"],
        "client_id": parameters["edge/client-id"],
        "apis": {
            manifest.service: _api(manifest.service, manifest.api.exposure, parameters)
            for manifest in platform.manifests
            if manifest.api is not None
        },
        "functions": {
            names.function(LOCAL, manifest.service, function.name): {
                "service": manifest.service,
                "name": function.name,
            }
            for manifest in platform.manifests
            for function in manifest.functions
        },
        "queues": {
            pair.queue: {
                "service": pair.service,
                "function": pair.function,
                "dead_letter_queue": pair.dead_letter_queue,
            }
            for pair in pairs
        },
        "tables": {
            names.table(LOCAL, manifest.service, table.name): {
                "service": manifest.service,
                "name": table.name,
            }
            for manifest in platform.manifests
            for table in manifest.tables
        },
        "customer": {
            "username": customer.username,
            "password": customer.password,
            "id_token": tokens.id_token,
            "access_token": tokens.access_token,
            "expires_in": tokens.expires_in,
        },
        "processes": {
            "local-cloud": {"url": cloud.endpoint, "pid": cloud.pid, "running": True},
            **{
                companion.id: {
                    "url": companion.url(),
                    "data": str(companion.data),
                    "api_key_file": str(companion.api_key_file),
                    "running": companion.port() is not None,
                }
                for companion in platform.companions
            },
        },
    }


def _api(service: str, exposure: str, parameters: dict[str, str]) -> dict[str, str | None]:
    """A service's API. Public services share one, which belongs to the root ``edge``."""
    if exposure == "public":
        url = parameters["edge/public-url"]
        found = re.search(r"/restapis/([^/]+)/", url)
        return {"id": found[1] if found else None, "url": url, "exposure": exposure}
    return {
        "id": parameters.get(f"services/{service}/api-id"),
        "url": parameters.get(f"services/{service}/api-url"),
        "exposure": exposure,
    }


def table(facts: dict[str, Any]) -> Table:
    """The facts for a person: without tokens, which are long and end soon."""
    shown = Table.grid(padding=(0, 2))
    for name in ("endpoint", "region", "account_id"):
        shown.add_row(name.replace("_", " "), str(facts[name]))
    for name, value in facts["administrator"].items():
        shown.add_row(f"administrator {name.replace('_', ' ')}", value)
    shown.add_row("public API", facts["public_url"])
    customer = facts["customer"]
    shown.add_row("test customer", f"{customer['username']}  {customer['password']}")
    for service, api in facts["apis"].items():
        shown.add_row(f"API {service}", f"{api['exposure']}  {api['url']}")
    for name, queue in facts["queues"].items():
        shown.add_row(f"queue {queue['service']}/{queue['function']}", name)
    for name, kept in facts["tables"].items():
        shown.add_row(f"table {kept['service']}/{kept['name']}", name)
    for name, process in facts["processes"].items():
        state = "running" if process["running"] else "stopped"
        shown.add_row(f"process {name}", f"{state}  {process['url'] or ''}")
    return shown
