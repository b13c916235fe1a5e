"""The whole environment of a function's process: nothing of the cloud's own leaks into it.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import json
from pathlib import Path

from trunkline_localcloud.functions.credentials import TemporaryCredentials
from trunkline_localcloud.functions.definition import FunctionVersion

__all__ = ["environment_of"]


def environment_of(
    function: FunctionVersion,
    *,
    credentials: TemporaryCredentials,
    bundle: Path,
    layers: tuple[Path, ...],
    endpoint: str,
    scratch: Path,
    log_stream: str,
) -> dict[str, str]:
    """Lambda's reserved variables over the function's own.

    Three are not Lambda's: ``AWS_ENDPOINT_URL`` leads SDKs to this cloud, ``HOME`` and ``TMPDIR``
    keep the process from the files of whoever runs it.

    Args:
        function: Whose process it is.
        credentials: The role's temporary credentials.
        bundle: Directory of the extracted package.
        layers: Directories of the extracted layers.
        endpoint: URL of this cloud.
        scratch: The process's own directory.
        log_stream: Name of the process's log stream.
    """
    return {
        **dict(function.variables),
        "_HANDLER": function.handler,
        "_LOCALCLOUD_SYS_PATH": json.dumps(_import_path(bundle, layers)),
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": function.log_format,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_LEVEL": function.log_level,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_REGION": function.region,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "HOME": str(scratch),
        "LAMBDA_TASK_ROOT": str(bundle),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TMPDIR": str(scratch),
        "TZ": ":UTC",
    }


def _import_path(bundle: Path, layers: tuple[Path, ...]) -> list[str]:
    """Where imports are looked up before the standard library, as Lambda orders it.

    https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
    """
    paths = [bundle]
    for layer in layers:
        paths.append(layer / "python")
        paths.extend(sorted(layer.glob("python/lib/python3.*/site-packages")))
    return [str(path) for path in paths]
