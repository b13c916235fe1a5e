"""What the processes of one version of a function are made from."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

__all__ = ["FunctionVersion"]

_DEFAULT_TIMEOUT_SECONDS = 3
_DEFAULT_MEMORY_MB = 128


@dataclass(frozen=True)
class FunctionVersion:
    """One version of a function, as its configuration describes it."""

    name: str
    version: str
    account_id: str
    region: str
    runtime: str
    handler: str
    role_arn: str
    timeout: float
    """Seconds an invocation may take."""
    memory_mb: int
    variables: tuple[tuple[str, str], ...]
    """The function's own environment variables."""
    log_group: str
    log_format: str
    """``Text`` or ``JSON``."""
    log_level: str
    subnet_ids: tuple[str, ...]
    """Subnets of its VPC configuration; empty outside a VPC."""
    layers: tuple[str, ...]
    """ARNs of layer versions, in the order in which they are merged."""
    fingerprint: str
    """Changes with the code and with everything that a running process cannot take over."""

    @classmethod
    def from_configuration(cls, configuration: dict[str, Any]) -> FunctionVersion:
        """Read the configuration in the shape that GetFunctionConfiguration answers."""
        name = configuration["FunctionName"]
        _, _, _, region, account_id, *_ = configuration["FunctionArn"].split(":")
        logging = configuration.get("LoggingConfig") or {}
        layers = configuration.get("Layers") or []
        variables = (configuration.get("Environment") or {}).get("Variables") or {}
        what_processes_keep = {
            key: configuration.get(key)
            for key in (
                "CodeSha256",
                "Environment",
                "Handler",
                "Layers",
                "LoggingConfig",
                "MemorySize",
                "Role",
                "Runtime",
                "Timeout",
                "VpcConfig",
            )
        }
        return cls(
            name=name,
            version=configuration.get("Version", "$LATEST"),
            account_id=account_id,
            region=region,
            runtime=configuration.get("Runtime", ""),
            handler=configuration.get("Handler", ""),
            role_arn=configuration.get("Role", ""),
            timeout=float(configuration.get("Timeout") or _DEFAULT_TIMEOUT_SECONDS),
            memory_mb=int(configuration.get("MemorySize") or _DEFAULT_MEMORY_MB),
            variables=tuple(sorted((key, str(value)) for key, value in variables.items())),
            log_group=logging.get("LogGroup") or f"/aws/lambda/{name}",
            log_format=logging.get("LogFormat") or "Text",
            log_level=logging.get("ApplicationLogLevel") or "INFO",
            subnet_ids=tuple((configuration.get("VpcConfig") or {}).get("SubnetIds") or ()),
            layers=tuple(each if isinstance(each, str) else each["Arn"] for each in layers),
            fingerprint=hashlib.sha256(
                json.dumps(what_processes_keep, sort_keys=True, default=str).encode()
            ).hexdigest(),
        )

    @property
    def function_arn(self) -> str:
        """The unqualified ARN."""
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{self.name}"

    @property
    def role_name(self) -> str:
        """Name of the execution role, without its path."""
        return self.role_arn.rsplit("/", 1)[-1]

    def new_log_stream(self) -> str:
        """Name of a log stream of one process, as AWS names it."""
        today = time.strftime("%Y/%m/%d", time.gmtime())
        return f"{today}/[{self.version}]{secrets.token_hex(16)}"
