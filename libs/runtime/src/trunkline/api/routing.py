"""Which operation a request is for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from trunkline.api.request import Request
from trunkline.declaration.handlers import ApiHandler
from trunkline.errors import MethodNotAllowed, NotFound

_PLACEHOLDER = re.compile(r"\\\{([a-z][a-z0-9_]*)\\\}")


class Router:
    """Finds the handler of a request.

    API Gateway has matched the resource already, and its permissions hang on that match, so it
    counts; the path counts only where there is no declared resource, as behind ``/{proxy+}``.
    """

    def __init__(self, handlers: Iterable[ApiHandler]) -> None:
        self._by_resource: dict[str, dict[str, ApiHandler]] = {}
        for handler in handlers:
            methods = self._by_resource.setdefault(handler.operation.path, {})
            methods[handler.operation.method] = handler
        self._patterns = [
            (_pattern(resource), methods)
            for resource, methods in sorted(
                self._by_resource.items(), key=lambda entry: entry[0].count("{")
            )
        ]

    def find(self, request: Request) -> tuple[ApiHandler, Mapping[str, str]]:
        """The handler and the path's variables.

        Raises:
            NotFound: no resource matches.
            MethodNotAllowed: the resource has other methods only.
        """
        methods = self._by_resource.get(request.resource)
        variables: Mapping[str, str] = request.path_parameters
        if methods is None:
            methods, variables = self._by_path(request.path)
        handler = methods.get(request.method)
        if handler is None:
            raise MethodNotAllowed(sorted(methods))
        return handler, variables

    def _by_path(self, path: str) -> tuple[dict[str, ApiHandler], Mapping[str, str]]:
        for pattern, methods in self._patterns:
            match = pattern.fullmatch(path)
            if match:
                found = match.groupdict().items()
                return methods, {name: unquote(value) for name, value in found}
        raise NotFound()


def _pattern(resource: str) -> re.Pattern[str]:
    return re.compile(_PLACEHOLDER.sub(r"(?P<\1>[^/]+)", re.escape(resource)))
