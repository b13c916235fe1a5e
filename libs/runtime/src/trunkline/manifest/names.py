"""The one place that says how things are called in AWS.

The platform gives resources these names and the developer tools find them again; a running function
never computes a name, it reads the variables of :mod:`trunkline.manifest.variables`.
"""

from __future__ import annotations

PROJECT = "trunkline"
_FIFO = ".fifo"  # SNS and SQS want the name to end with it


def function(environment: str, service: str, name: str) -> str:
    """A Lambda function, and its role, which bears the same name (at most 64 characters)."""
    return f"{PROJECT}-{environment}-{service}-{name}"


def service_of_role(role: str, environment: str, services: frozenset[str]) -> str | None:
    """The service that a function's role belongs to, or ``None`` for any other role.

    Service names may hold hyphens, so the known services decide, the longest first.
    """
    for service in sorted(services, key=len, reverse=True):
        if role.startswith(f"{PROJECT}-{environment}-{service}-"):
            return service
    return None


def table(environment: str, service: str, name: str) -> str:
    """A DynamoDB table."""
    return f"{PROJECT}-{environment}-{service}-{name}"


def queue(environment: str, service: str, function_name: str, *, ordered: bool = False) -> str:
    """The SQS queue in front of a function; a FIFO queue if it gets ordered events."""
    return f"{PROJECT}-{environment}-{service}-{function_name}{_FIFO if ordered else ''}"


def dead_letter_queue(
    environment: str, service: str, function_name: str, *, ordered: bool = False
) -> str:
    """Where messages go that the function could not process."""
    return f"{queue(environment, service, function_name)}-dlq{_FIFO if ordered else ''}"


def topic(environment: str, service: str, *, ordered: bool = False) -> str:
    """The SNS topic on which a service publishes its events; a FIFO topic for ordered ones."""
    return f"{PROJECT}-{environment}-{service}-events{_FIFO if ordered else ''}"


def secret(environment: str, service: str, name: str) -> str:
    """A secret in Secrets Manager."""
    return f"{PROJECT}/{environment}/{service}/{name}"


def api(environment: str, service: str) -> str:
    """A REST API."""
    return f"{PROJECT}-{environment}-{service}"


def log_group(environment: str, service: str, function_name: str) -> str:
    """A function's log group."""
    return f"/aws/lambda/{function(environment, service, function_name)}"


def parameter(environment: str, *path: str) -> str:
    """An SSM parameter, through which Terraform roots and services find each other."""
    return "/".join(("", PROJECT, environment, *path))


def setting_parameter(environment: str, service: str, name: str) -> str:
    """The parameter that holds a live setting of a service."""
    return parameter(environment, "services", service, "settings", name)


def api_url_parameter(environment: str, service: str) -> str:
    """The parameter that holds the base URL of a service's API."""
    return parameter(environment, "services", service, "api-url")
