"""Every error that this package raises, as one tree.

::

    TrunklineError
    ├── DeclarationError            a service or a contract is declared wrongly
    │   ├── UndeclaredUse           a handler touched something that its ``uses`` does not name
    │   └── OwnershipUnchecked      a handler for owners acted before it asked who the owner is
    ├── ManifestError               a manifest is broken
    │   └── GraphError              manifests do not fit together
    │       ├── DuplicateService
    │       ├── AmbiguousServiceName
    │       ├── DuplicateOwner      two services own one event or task
    │       ├── UnknownEvent        a subscription to an event that nobody publishes
    │       ├── OrderMismatch       publisher and subscriber disagree on whether it is ordered
    │       ├── UnknownRoute        a call to a route that does not exist
    │       ├── UnknownTask         a task that its service does not accept
    │       ├── OverlappingRoutes   permissions for two routes cannot be told apart
    │       └── CallCycle           synchronous calls that go round
    ├── DelayTooLong                a task is to wait longer than its queue can
    ├── EnvironmentIncomplete       a variable that the platform sets is missing
    ├── AwsError                    AWS refused a call, or cannot be reached
    ├── InvalidSetting              a setting's value is not of its declared type
    ├── InvalidSecret               a secret's value is not of its declared type
    ├── RotationRefused             a step of a rotation makes no sense, and touched nothing
    ├── InvalidEvent                a function was invoked with what its trigger does not send
    ├── MessageError                a message cannot be processed, now or ever
    │   ├── InvalidMessage          it is no CloudEvent of the expected type
    │   ├── MessageTooLarge         it is longer than its channel takes, or anything may be
    │   ├── PayloadMissing          the data that it refers to cannot be read
    │   ├── Rejected                the handler refuses it for good
    │   └── InProgress              another consumer is at work on it
    ├── LockLost                    another invocation has taken over this piece of work
    ├── DecryptionFailed            a stored field was moved or changed, or its key is no more
    ├── InvalidTransaction          DynamoDB cannot store these records together
    ├── PublishFailed               some outbox items could not be published
    ├── NotInThisCloud              a test asks for what the cloud that it runs against has not
    └── Problem                     has an HTTP status, and goes on the wire as RFC 9457 says
        ├── InvalidRequest          400
        ├── Unauthenticated         401
        │   └── TokenRefused        401, the token is not good; why is for logs
        ├── Forbidden               403
        ├── NotFound                404
        ├── MethodNotAllowed        405
        ├── Conflict                409
        │   ├── RequestInProgress   409, the first request with this key still runs
        │   └── RecordChanged       409, a stored record is no longer as it was read
        ├── IdempotencyMismatch     422, the key was used with another payload
        ├── TooManyRequests         429
        ├── InternalError           500
        ├── CallRefused             502, the called service refuses us or answers nonsense
        ├── Unavailable             503
        │   ├── BulkheadFull        503, too many calls of one operation run already
        │   └── CircuitOpen         503, an operation is not called, as it mostly failed
        └── DeadlineExceeded        504

``retryable`` says whether the same attempt may succeed later: consumers send a message whose error
is not retryable straight to the dead-letter queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class TrunklineError(Exception):
    """The root of every error here."""

    retryable: bool = False
    """Whether the same attempt may succeed later."""


class DeclarationError(TrunklineError):
    """A service or a contract is declared wrongly; found while it is imported."""


class UndeclaredUse(DeclarationError):
    """A handler touched something that its ``uses`` does not name.

    In AWS the function's role would refuse it; this says so earlier and more clearly.
    """

    def __init__(self, handler: str, use: str) -> None:
        self.handler = handler
        """The handler's name."""
        self.use = use
        """What it touched."""
        super().__init__(f"handler {handler!r} uses {use}, which its `uses` does not name")


class OwnershipUnchecked(DeclarationError):
    """A handler for owners acted, or answered, before it asked who the owner is."""

    def __init__(self, handler: str, what: str) -> None:
        self.handler = handler
        """The handler's name."""
        self.what = what
        """What it did."""
        super().__init__(
            f"handler {handler!r} allows its owner and {what} without caller.must_own(...) before"
        )


class ManifestError(TrunklineError):
    """A manifest is broken: not there, not JSON, or a field is wrong."""

    def __init__(self, message: str, *, file: str | None = None, field: str | None = None) -> None:
        self.file = file
        """The manifest's path, if it came from a file."""
        self.field = field
        """The wrong field, as ``functions.0.name``."""
        where = ": ".join(part for part in (file, field) if part)
        super().__init__(f"{where}: {message}" if where else message)


class GraphError(ManifestError):
    """Manifests that are right one by one do not fit together."""


class DuplicateService(GraphError):
    """Two manifests have the same service name."""

    def __init__(self, service: str) -> None:
        self.service = service
        super().__init__(f"service {service!r} is declared by two manifests")


class AmbiguousServiceName(GraphError):
    """A service's name is another's plus a hyphenated suffix, so names in AWS could collide."""

    def __init__(self, service: str, longer: str) -> None:
        self.service = service
        self.longer = longer
        super().__init__(
            f"service {longer!r} extends the name of service {service!r} by a hyphen: "
            "their resources could not be told apart; rename one"
        )


class DuplicateOwner(GraphError):
    """Two services own the same event or task."""

    def __init__(self, message: str, first: str, second: str) -> None:
        self.message = message
        self.first = first
        self.second = second
        super().__init__(f"{message!r} is owned by both {first!r} and {second!r}")


class UnknownEvent(GraphError):
    """A service subscribes to an event that nobody publishes."""

    def __init__(self, service: str, event: str) -> None:
        self.service = service
        self.event = event
        super().__init__(f"service {service!r} subscribes to {event!r}, which nobody publishes")


class OrderMismatch(GraphError):
    """A publisher sends an event through another topic than its subscriber listens to."""

    def __init__(self, service: str, event: str) -> None:
        self.service = service
        self.event = event
        super().__init__(
            f"service {service!r} and the publisher of {event!r} disagree on whether it is ordered"
        )


class UnknownRoute(GraphError):
    """A service calls a service or route that does not exist, or exists otherwise."""

    def __init__(self, service: str, callee: str, route: str, why: str) -> None:
        self.service = service
        self.callee = callee
        self.route = route
        super().__init__(f"service {service!r} calls {route!r} of {callee!r}: {why}")


class UnknownTask(GraphError):
    """A service sends a task to a service that does not accept it."""

    def __init__(self, service: str, task: str) -> None:
        self.service = service
        self.task = task
        super().__init__(f"service {service!r} sends {task!r}, which no service accepts")


class OverlappingRoutes(GraphError):
    """A permission for one private route also covers another, which others call."""

    def __init__(self, service: str, first: str, second: str) -> None:
        self.service = service
        self.first = first
        """Method and path of a route."""
        self.second = second
        super().__init__(
            f"service {service!r}: a permission for {first} also covers {second}, as an ARN's * "
            "stands for slashes too; let the same functions call both, or change a path"
        )


class CallCycle(GraphError):
    """Synchronous calls go round: one slow service would then wait for itself."""

    def __init__(self, cycle: Sequence[str]) -> None:
        self.cycle = tuple(cycle)
        """The services in calling order; the last is the first again."""
        super().__init__("synchronous calls form a cycle: " + " -> ".join(self.cycle))


class DelayTooLong(TrunklineError):
    """A task is to be performed later than its queue can wait."""

    def __init__(self, task: str, seconds: int, limit: int) -> None:
        self.task = task
        self.seconds = seconds
        self.limit = limit
        super().__init__(
            f"{task} cannot be delayed by {seconds} s: SQS waits from 0 to {limit} s. For longer, "
            "EventBridge Scheduler will be a channel of its own; until then a task that comes too "
            "early can ask for itself again"
        )


class EnvironmentIncomplete(TrunklineError):
    """A variable that the platform sets on a function is missing."""

    def __init__(self, variable: str) -> None:
        self.variable = variable
        super().__init__(f"environment variable {variable} is not set; the platform sets it")


class AwsError(TrunklineError):
    """AWS refused a call, or cannot be reached, after all attempts."""

    retryable = True

    def __init__(
        self,
        service: str,
        operation: str,
        code: str,
        message: str,
        *,
        status: int | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        self.service = service
        """As in ``dynamodb``."""
        self.operation = operation
        """As in ``PutItem``."""
        self.code = code
        """AWS's name of the error, as in ``ConditionalCheckFailedException``; ``Unreachable`` if
        there was no answer."""
        self.status = status
        """HTTP's; ``None`` if there was no answer."""
        self.fields: Mapping[str, Any] = fields or {}
        """What the error carries beside its message."""
        super().__init__(f"{service} {operation}: {code}: {message}")

    @property
    def condition_failed(self) -> bool:
        """Whether DynamoDB found an item otherwise than the request's condition says."""
        return self.code == "ConditionalCheckFailedException"


class InvalidSetting(TrunklineError):
    """A setting's value is not of its declared type; found when it is first used."""

    def __init__(self, setting: str, seen: str, problems: Sequence[str]) -> None:
        self.setting = setting
        self.seen = seen
        """The text that the environment or Parameter Store holds."""
        self.problems = tuple(problems)
        """What is allowed instead, one line for each place."""
        super().__init__(f"setting {setting!r} is {seen!r}: {'; '.join(self.problems)}")


class InvalidSecret(TrunklineError):
    """A secret's value is not of its declared type. Shows nothing of the value."""

    retryable = True  # an operator mends the value, and then it works

    def __init__(self, secret: str, problems: Sequence[str]) -> None:
        self.secret = secret
        self.problems = tuple(problems)
        """What is allowed, one line for each place."""
        super().__init__(f"the value of secret {secret!r} is wrong: {'; '.join(self.problems)}")


class RotationRefused(TrunklineError):
    """A step of a secret's rotation makes no sense: it is refused, and nothing was touched."""

    def __init__(self, secret: str, why: str) -> None:
        self.secret = secret
        super().__init__(f"secret {secret!r} is not rotated: {why}")


class InvalidEvent(TrunklineError):
    """A function was invoked with what its trigger does not send: nothing of it is acknowledged."""

    def __init__(self, expected: str, seen: object) -> None:
        self.expected = expected
        """What the trigger sends."""
        self.seen = type(seen).__name__
        """The kind of what came; its content may be anybody's secret."""
        super().__init__(f"the event should hold {expected}, but holds {self.seen}")


class MessageError(TrunklineError):
    """A message cannot be processed."""


class InvalidMessage(MessageError):
    """A message is no CloudEvent of the expected type; trying again cannot help."""


class MessageTooLarge(MessageError):
    """A message is longer than its channel takes; found when it is emitted."""

    def __init__(self, message: str, size: int, limit: int, *, large: bool) -> None:
        self.message = message
        """Its name on the wire."""
        self.size = size
        """In bytes."""
        self.limit = limit
        """In bytes."""
        help_ = "" if large else "; declare it with large=True, or send less"
        super().__init__(f"{message} has {size:,} bytes; {limit:,} are allowed{help_}")


class PayloadMissing(MessageError):
    """The data that a message refers to is not there, or not yet, or may not be read."""

    retryable = True

    def __init__(self, reference: str, why: str) -> None:
        self.reference = reference
        """The message's ``dataref``."""
        super().__init__(f"{reference} cannot be read: {why}")


class Rejected(MessageError):
    """A handler refuses a message for good: it goes to the dead-letter queue with this reason."""


class InProgress(MessageError):
    """Another consumer is at work on the same message."""

    retryable = True

    def __init__(self, key: str, seconds_left: float) -> None:
        self.key = key
        self.seconds_left = seconds_left
        """When the other's lock ends at the latest, in seconds from now."""
        super().__init__(f"{key!r} is being processed elsewhere for at most {seconds_left:.1f} s")


class LockLost(TrunklineError):
    """Another invocation has taken over, as this one ran past its lock: its result is void."""

    retryable = True

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"another invocation has taken over {key!r}")


class DecryptionFailed(TrunklineError):
    """A stored field cannot be decrypted: it was moved or changed, or its key is no more."""

    def __init__(self, table: str, field: str) -> None:
        self.table = table
        self.field = field
        super().__init__(f"table {table!r}: field {field!r} cannot be decrypted")


class InvalidTransaction(TrunklineError):
    """DynamoDB cannot store these records together: there are too many, or one comes twice."""


class PublishFailed(TrunklineError):
    """Some outbox items could not be published; they stay in the outbox."""

    retryable = True

    def __init__(self, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        """One line for each item: id and AWS's error code."""
        super().__init__(f"{len(self.failures)} not published: " + "; ".join(self.failures))


class NotInThisCloud(TrunklineError):
    """The cloud that a test runs against cannot do this; the pytest plugin skips the test."""

    def __init__(self, what: str, why: str) -> None:
        self.what = what
        """What the test asked for."""
        self.why = why
        super().__init__(f"{what}: {why}")


class Problem(TrunklineError):
    """An error with an HTTP status, on the wire an RFC 9457 problem.

    Args:
        detail: what happened this time, for the caller's eyes.
        retry_after: seconds until trying again makes sense.
        errors: for each wrong field, a mapping with ``field`` and ``message``.
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        retryable: bool | None = None,
        retry_after: float | None = None,
        errors: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.detail = detail
        self.retry_after = retry_after
        self.errors = tuple(errors)
        if retryable is not None:
            self.retryable = retryable
        super().__init__(detail or self.title)

    @classmethod
    def type_uri(cls) -> str:
        """RFC 9457's ``type``: the error's name as a URN."""
        words = "".join(f"-{c.lower()}" if c.isupper() else c for c in cls.__name__)
        return f"urn:trunkline:problem:{words.strip('-')}"


class InvalidRequest(Problem):
    """The request is malformed; ``errors`` names the fields."""

    status = 400
    title = "Invalid request"


class Unauthenticated(Problem):
    """The request has no identity that this API knows."""

    status = 401
    title = "Not authenticated"


class TokenRefused(Unauthenticated):
    """A token is not good. Whoever bears it learns no more than that, on the wire as in text.

    Args:
        reason: a :class:`trunkline.tokens.refusal.Refusal`.
        fact: what was found, for logs; never a part of the token.
    """

    def __init__(self, reason: str, fact: str | None = None) -> None:
        self.reason = reason
        self.fact = fact
        super().__init__("the token is not valid")

    @classmethod
    def type_uri(cls) -> str:
        """The same as without a token."""
        return Unauthenticated.type_uri()


class Forbidden(Problem):
    """The caller may not do this."""

    status = 403
    title = "Forbidden"


class NotFound(Problem):
    """There is no such thing, or the caller may not know that there is."""

    status = 404
    title = "Not found"


class MethodNotAllowed(Problem):
    """The path exists, but not with this method."""

    status = 405
    title = "Method not allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = tuple(allowed)
        """The methods that the path has."""
        super().__init__(f"allowed: {', '.join(self.allowed)}")


class Conflict(Problem):
    """The state has changed meanwhile, or does not allow this."""

    status = 409
    title = "Conflict"
    retryable = True


class RequestInProgress(Conflict):
    """The first request with the same idempotency key still runs."""

    title = "The first request with this idempotency key still runs"


class RecordChanged(Conflict):
    """A stored record is no longer as it was read; nothing of the transaction was stored."""

    title = "The state has changed meanwhile"

    def __init__(self, record: object) -> None:
        self.record = record
        """The record that could not be written; its caller learns only of what kind it is."""
        super().__init__(f"{type(record).__name__} has changed meanwhile", retry_after=1)


class IdempotencyMismatch(Problem):
    """The idempotency key was used before with another payload."""

    status = 422
    title = "The idempotency key was used with another payload"


class TooManyRequests(Problem):
    """The caller sends more than it may."""

    status = 429
    title = "Too many requests"
    retryable = True


class InternalError(Problem):
    """Something broke inside; the caller learns no more than that."""

    status = 500
    title = "Internal error"
    retryable = True


class CallRefused(Problem):
    """A called service refuses us, or its answer does not fit its contract: a fault of ours."""

    status = 502
    title = "A dependency refused the call"


class Unavailable(Problem):
    """A dependency does not answer, or says that it cannot now."""

    status = 503
    title = "Unavailable"
    retryable = True


class BulkheadFull(Unavailable):
    """As many calls of one operation run in this process as may."""

    def __init__(self, call: str, places: int) -> None:
        self.call = call
        """``service.operation``."""
        self.places = places
        """How many may run at once."""
        super().__init__(f"{places} calls of {call} run already")


class CircuitOpen(Unavailable):
    """An operation is not called for a while, since its calls mostly failed."""

    def __init__(self, call: str, seconds_left: float) -> None:
        self.call = call
        """``service.operation``."""
        super().__init__(f"{call} is not called for a while", retry_after=seconds_left)


class DeadlineExceeded(Problem):
    """There is no time left to finish."""

    status = 504
    title = "Out of time"
    retryable = True
