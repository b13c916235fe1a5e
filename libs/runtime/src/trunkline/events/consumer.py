"""The way of a message from a queue: parse, once per id, then acknowledge, return or dead-letter.

A message is acknowledged only after its handler has succeeded and that was recorded, or after it
was put on the dead-letter queue. So a process may die at any point: the message comes back.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

from trunkline.attempt import Attempt, reason, retryable
from trunkline.contracts.message import Message, message_type
from trunkline.declaration.handlers import MessageHandler
from trunkline.errors import InProgress, InvalidMessage
from trunkline.events.channel import DeadLetters, Delivery, Source
from trunkline.events.cloudevents import CloudEvent
from trunkline.idempotency.keys import KEEP_MESSAGE_SECONDS, message_key, sequence_key
from trunkline.idempotency.store import Done, Lock, Running, Store
from trunkline.invocation import Invocation, running
from trunkline.sequences.turns import Sequences, Stale, Turn
from trunkline.telemetry import correlation, metrics, tracing

if TYPE_CHECKING:
    from trunkline.events.payloads import Payloads

logger = logging.getLogger(__name__)

MIN_SECONDS = 0.5
"""With less time left, a message is returned untouched: its handler would be cut off."""
FIRST_DELAY_SECONDS = 2
DELAY_GROWTH = 3
MAX_DELAY_SECONDS = 900


def backoff(receives: int, jitter: float) -> int:
    """Seconds until a failed message is tried again.

    Exponential, with equal jitter: messages that failed together do not come back together, yet
    none comes back at once
    (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).

    Args:
        receives: how often it was delivered so far.
        jitter: from 0 to 1, at random.
    """
    ceiling: int = min(FIRST_DELAY_SECONDS * DELAY_GROWTH ** (receives - 1), MAX_DELAY_SECONDS)
    return ceil(ceiling / 2 + jitter * ceiling / 2)


@dataclass(frozen=True)
class _Claim:
    """The right to process one message, whoever granted it."""

    finish: Callable[[], None]
    give_back: Callable[[], None]


class ConsumerProgram:
    """Processes the messages of one function's queue."""

    def __init__(
        self,
        service: str,
        handlers: Iterable[MessageHandler],
        store: Store,
        source: Source,
        dead_letters: DeadLetters,
        sequences: Sequences,
        random: Callable[[], float] = random.random,
        payloads: Payloads | None = None,
    ) -> None:
        found = tuple(handlers)
        self._service = service
        self._handlers = {
            name: (handler, version)
            for handler in found
            for name, version in handler.accepted.items()
        }
        self._function = found[0].function
        self._many = message_type(found[0].message).kind == "task"
        self._max_receives = max(handler.max_receives for handler in found)
        self._store = store
        self._source = source
        self._dead_letters = dead_letters
        self._sequences = sequences
        self._random = random
        self._payloads = payloads
        self._meter = metrics.Meter(service, self._function)

    def handle(self, event: Mapping[str, Any], deadline: float) -> Any:
        """Process a batch.

        Once a message of a group has failed, those behind it go back untouched, so that they are
        not processed before it; other groups go on.

        Args:
            event: Lambda's event, as the source understands it.
            deadline: when Lambda ends the invocation, on the monotonic clock.

        Returns:
            the source's answer: what failed is delivered again, and the rest is not.
        """
        deliveries = tuple(self._source.deliveries(event))
        base = Invocation(self._service, self._function, self._function, deadline)
        with (
            self._meter.invocation(),
            running(base),
            tracing.batch("process", len(deliveries), kind="consumer"),
        ):
            return self._source.answer(self._failed(deliveries, base))

    def _failed(self, deliveries: Iterable[Delivery], base: Invocation) -> list[Delivery]:
        failed: list[Delivery] = []
        blocked: set[str] = set()
        for delivery in deliveries:
            metrics.of_handler(None)
            if delivery.group is not None and delivery.group in blocked:
                # No longer hidden than the one before it: SQS holds the group back for both.
                self._return(delivery, 0)
            elif self._measured(delivery, base):
                continue
            elif delivery.group is not None:
                blocked.add(delivery.group)
            metrics.count("batch_failures")
            failed.append(delivery)
        return failed

    def _measured(self, delivery: Delivery, base: Invocation) -> bool:
        start = time.perf_counter()
        with correlation.work():
            correlation.note("message_id", delivery.message_id)
            acknowledged = self._acknowledged(delivery, base)
        if delivery.receives > 1:
            metrics.count("retries")
        metrics.handled((time.perf_counter() - start) * 1000)
        return acknowledged

    def _acknowledged(self, delivery: Delivery, base: Invocation) -> bool:
        """Process one message; whether its source may forget it."""
        if base.remaining() < MIN_SECONDS:
            logger.info("returned to the queue: no time is left", extra={"id": delivery.message_id})
            return self._return(delivery, 0)
        with Attempt() as parsing:
            envelope = CloudEvent.parse(delivery.body)
        if parsing.error is not None:
            return self._dead_letter(delivery, parsing.error)
        correlation.note("event_id", envelope.id)
        correlation.note("subject", envelope.subject)
        attributes: dict[str, str | int | bool] = {
            "messaging.message.id": envelope.id,
            "messaging.system": "aws_sqs",
            "receives": delivery.receives,
        }
        if envelope.subject is not None:
            attributes["subject"] = envelope.subject
        parent = tracing.from_traceparent(envelope.traceparent, envelope.tracestate)
        tracing.link(parent)
        with tracing.span(
            f"process {envelope.type}", kind="consumer", parent=parent, attributes=attributes
        ) as span:
            with Attempt() as attempt:
                self._process(envelope, base)
            if attempt.error is None:
                return True
            tracing.failed(span, type(attempt.error).__name__)
            return self._judge(delivery, attempt.error)

    def _process(self, envelope: CloudEvent, base: Invocation) -> None:
        known = self._handlers.get(envelope.type)
        if known is None:
            raise InvalidMessage(f"nobody here handles {envelope.type}")
        handler, version = known
        if self._many:
            metrics.of_handler(handler.name)
        if envelope.dataref is not None:
            envelope = self._redeemed(envelope, version.message)
        message = version.upcast(envelope.message(version.message))
        claim = (
            self._take_turn(envelope.source, envelope.partitionkey, envelope.sequence, base)
            if handler.stale == "ignore" and envelope.partitionkey and envelope.sequence
            else self._take_lock(envelope, base)
        )
        if claim is not None:
            cause = message_key(self._function, envelope.source, envelope.id)
            self._run(handler, message, cause, claim, base)

    def _take_lock(self, envelope: CloudEvent, base: Invocation) -> _Claim | None:
        """The right to process this message; ``None`` if it was processed before."""
        key = message_key(self._function, envelope.source, envelope.id)
        outcome = self._store.acquire(
            key, "", lock_seconds=base.remaining(), keep_seconds=KEEP_MESSAGE_SECONDS
        )
        match outcome:
            case Done():
                metrics.count("dedup_hits")
                tracing.annotate("duplicate", True)
                return None
            case Running():
                raise InProgress(key, outcome.seconds_left)
            case Lock():
                return _Claim(
                    partial(self._store.complete, outcome, None, keep_seconds=KEEP_MESSAGE_SECONDS),
                    partial(self._store.release, outcome),
                )
            case _:
                raise InvalidMessage(f"{key} is known with another payload")

    def _take_turn(
        self, source: str, aggregate: str, sequence: str, base: Invocation
    ) -> _Claim | None:
        """The right to process a message about an aggregate; ``None`` if it tells nothing new."""
        key = sequence_key(self._function, source, aggregate)
        outcome = self._sequences.begin(key, sequence, lock_seconds=base.remaining())
        match outcome:
            case Stale():
                duplicate = outcome.last == sequence
                metrics.count("dedup_hits" if duplicate else "stale")
                tracing.annotate("duplicate" if duplicate else "stale", True)
                return None
            case Running():
                raise InProgress(key, outcome.seconds_left)
            case Turn():
                return _Claim(
                    partial(self._sequences.finish, outcome),
                    partial(self._sequences.abandon, outcome),
                )

    def _run(
        self, handler: MessageHandler, message: Any, cause: str, claim: _Claim, base: Invocation
    ) -> None:
        invocation = Invocation(
            base.service, base.function, handler.name, base.deadline, handler.uses, cause
        )
        with Attempt() as attempt, running(invocation):
            handler.call(message)
        if attempt.error is not None:
            claim.give_back()
            raise attempt.error
        claim.finish()

    def _redeemed(self, envelope: CloudEvent, message: type[Message]) -> CloudEvent:
        from trunkline.events.payloads import redeem  # hardly any message is so long

        return redeem(envelope, message_type(message), self._payloads)

    def _judge(self, delivery: Delivery, error: Exception) -> bool:
        delay = backoff(delivery.receives, self._random())
        if isinstance(error, InProgress):
            logger.info("returned to the queue: %s", reason(error))
            return self._return(delivery, min(ceil(error.seconds_left), delay))
        if not retryable(error) or delivery.receives >= self._max_receives:
            return self._dead_letter(delivery, error)
        metrics.count("faults")
        logger.warning(
            "will be tried again: %s",
            reason(error),
            exc_info=error,
            extra={"receives": delivery.receives, "max_receives": self._max_receives},
        )
        return self._return(delivery, delay)

    def _return(self, delivery: Delivery, seconds: int) -> bool:
        """Have the message tried again; if that fails, its visibility timeout decides when."""
        with Attempt() as attempt:
            self._source.postpone(delivery, seconds)
        if attempt.error is not None:
            logger.warning("cannot be postponed: %s", attempt.error, exc_info=attempt.error)
        return False

    def _dead_letter(self, delivery: Delivery, error: Exception) -> bool:
        metrics.count("faults")
        logger.error(
            "dead-lettered: %s",
            reason(error),
            exc_info=error,
            extra={"message_id": delivery.message_id, "receives": delivery.receives},
        )
        with Attempt() as attempt:
            self._dead_letters.put(
                delivery,
                reason=reason(error),
                error_type=type(error).__name__,
                function=self._function,
            )
        if attempt.error is not None:
            logger.error("cannot be dead-lettered: %s", attempt.error, exc_info=attempt.error)
            return False
        return True
