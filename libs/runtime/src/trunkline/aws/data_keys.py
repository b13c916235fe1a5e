"""Data keys from KMS, used for a while.

A key per item would cost a request to KMS for each write and each read. AWS's advice is to cache
with limits (https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/data-key-caching.html):
the shorter and the fewer, the less one key in the memory of one process opens.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from botocore.exceptions import ClientError

from trunkline import clock, environment
from trunkline.aws.clients import client
from trunkline.manifest import variables
from trunkline.tables.encryption import DataKey

MAX_ITEMS = 1000
"""Encrypted with one data key."""
MAX_SECONDS = 300.0
"""For which a data key is used, and for which a decrypted one is remembered."""
MAX_REMEMBERED = 100
"""Decrypted data keys at a time."""

_NO_SUCH_KEY = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class KmsDataKeys:
    """Data keys of one table.

    Args:
        context: KMS's encryption context: the same at encryption and decryption, a condition in
            policies, and written to the audit trail, so nothing of a record is in it.
    """

    def __init__(self, context: Mapping[str, str]) -> None:
        self._context = dict(context)
        self._lock = threading.Lock()
        self._current: tuple[str, DataKey, float] | None = None
        self._items = 0
        self._unwrapped: OrderedDict[bytes, tuple[bytes, float]] = OrderedDict()

    def for_writing(self) -> DataKey:
        """A key to encrypt an item with."""
        key_id = environment.required(variables.DATA_KEY)
        with self._lock:
            self._items += 1
            if self._current is not None and self._items <= MAX_ITEMS:
                made_by, key, until = self._current
                if made_by == key_id and clock.monotonic() < until:
                    return key
            answer = client("kms").generate_data_key(
                KeyId=key_id, KeySpec="AES_256", EncryptionContext=self._context
            )
            key = DataKey(answer["Plaintext"], answer["CiphertextBlob"])
            self._current = (key_id, key, clock.monotonic() + MAX_SECONDS)
            self._items = 1
            return key

    def unwrap(self, wrapped: bytes) -> bytes:
        """The key that an item was encrypted with; ``ValueError`` if it is none of this table's."""
        with self._lock:
            plain, until = self._unwrapped.pop(wrapped, (b"", 0.0))
            if clock.monotonic() >= until:
                plain, until = self._ask(wrapped), clock.monotonic() + MAX_SECONDS
            self._unwrapped[wrapped] = (plain, until)
            while len(self._unwrapped) > MAX_REMEMBERED:
                self._unwrapped.popitem(last=False)
            return plain

    def _ask(self, wrapped: bytes) -> bytes:
        # Without a key id: the blob names its KMS key, which may be an older one.
        try:
            answer = client("kms").decrypt(CiphertextBlob=wrapped, EncryptionContext=self._context)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NO_SUCH_KEY:
                raise ValueError("KMS knows no such data key") from error
            raise
        plain: bytes = answer["Plaintext"]
        return plain
