"""Runs functions: from a configuration, a package and an event to an outcome."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from trunkline_localcloud.functions.bundles import BundleStore
from trunkline_localcloud.functions.definition import FunctionVersion
from trunkline_localcloud.functions.environment import ExecutionEnvironment, Invocation, Outcome
from trunkline_localcloud.functions.interference import invoke_with_faults
from trunkline_localcloud.functions.interpreters import find_interpreter
from trunkline_localcloud.functions.pool import EnvironmentPool

__all__ = ["FunctionRuntime"]


class FunctionRuntime:
    """Runs functions in processes of their own.

    Args:
        directory: Where packages are extracted and processes have their files.
        endpoint: URL of this cloud.
    """

    def __init__(self, *, directory: Path, endpoint: str) -> None:
        self.pool = EnvironmentPool()
        self._endpoint = endpoint
        self._bundles = BundleStore(directory / "bundles")
        self._scratch = directory / "scratch"
        shutil.rmtree(self._scratch, ignore_errors=True)

    def can_run(self, function: FunctionVersion) -> bool:
        """Whether the function's runtime is one that this machine can stand in for."""
        return find_interpreter(function.runtime) is not None

    def run(
        self,
        function: FunctionVersion,
        invocation: Invocation,
        *,
        package: bytes,
        layer_package: Callable[[str], bytes],
    ) -> tuple[ExecutionEnvironment, Outcome]:
        """Invoke ``function`` in a warm process or a new one.

        Args:
            function: What to run.
            invocation: The event and its context.
            package: The function's deployment package, a zip file.
            layer_package: Gets the package of a layer version by its ARN.

        Raises:
            NoCapacity: every process of the function stayed busy.
        """

        def make() -> ExecutionEnvironment:
            interpreter = find_interpreter(function.runtime)
            if interpreter is None:
                raise ValueError(f"no interpreter runs {function.runtime}")
            return ExecutionEnvironment(
                function,
                interpreter=interpreter,
                bundle=self._bundles.extracted(package),
                layers=tuple(
                    self._bundles.extracted(layer_package(arn)) for arn in function.layers
                ),
                endpoint=self._endpoint,
                scratch=self._scratch / secrets.token_hex(8),
            )

        with self.pool.lease(function, make) as environment:
            outcome = invoke_with_faults(
                environment, lambda: environment.invoke(invocation), invocation.request_id
            )
            return environment, outcome

    def close(self) -> None:
        """End every process."""
        self.pool.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
