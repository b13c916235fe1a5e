"""The environment variables by which the platform tells a function its surroundings."""

from __future__ import annotations

ENVIRONMENT = "TRUNKLINE_ENVIRONMENT"
"""The environment's name, for example ``local``."""
SERVICE = "TRUNKLINE_SERVICE"
"""The service's name."""
FUNCTION = "TRUNKLINE_FUNCTION"
"""The function's name in the manifest, for example ``api``."""
ENTRY = "TRUNKLINE_ENTRY"
"""Where the Service object is: ``package.module:attribute``."""
CALLERS = "TRUNKLINE_CALLERS"
"""The services that may call this one's API, joined by commas."""
PAYLOADS = "TRUNKLINE_PAYLOADS"
"""Name of the bucket in which the data of large messages waits."""
TOPIC = "TRUNKLINE_TOPIC"
"""ARN of the service's own topic."""
ORDERED_TOPIC = "TRUNKLINE_ORDERED_TOPIC"
"""ARN of the service's own FIFO topic."""
QUEUE = "TRUNKLINE_QUEUE"
"""URL of the queue that this function consumes."""
DEAD_LETTER_QUEUE = "TRUNKLINE_DEAD_LETTER_QUEUE"
"""URL of the queue for messages that this function could not process."""

DATA_KEY = "TRUNKLINE_DATA_KEY"
"""The KMS key that encrypts fields of tables: its ARN."""


def encryption_context(service: str, table: str) -> dict[str, str]:
    """What KMS is told of the fields that it is asked for, and what policies compare."""
    return {"trunkline:service": service, "trunkline:table": table}


def table(name: str) -> str:
    """Holds the physical name of a table."""
    return f"TRUNKLINE_TABLE_{_upper(name)}"


def task_queue(service: str) -> str:
    """Holds the URL of another service's task queue."""
    return f"TRUNKLINE_TASK_QUEUE_{_upper(service)}"


def secret(name: str) -> str:
    """Holds the name of a secret in Secrets Manager."""
    return f"TRUNKLINE_SECRET_{_upper(name)}"


def setting(name: str) -> str:
    """Holds the value of a setting."""
    return f"TRUNKLINE_SETTING_{_upper(name)}"


def live_setting(name: str) -> str:
    """Holds the name of the SSM parameter with the value of a live setting."""
    return f"TRUNKLINE_LIVE_SETTING_{_upper(name)}"


def api(service: str) -> str:
    """Holds the name of the SSM parameter with the base URL of another service's API."""
    return f"TRUNKLINE_API_{_upper(service)}"


def _upper(name: str) -> str:
    return name.upper().replace("-", "_")
