"""Fields that are stored encrypted.

Envelope encryption, as AWS's own libraries do it
(https://docs.aws.amazon.com/kms/latest/developerguide/kms-cryptography.html): KMS makes a data key
and keeps none of it; AES-256-GCM encrypts the fields with it here; the data key itself is stored
beside them, encrypted by KMS. Each ciphertext is bound to its table, its item's key and its field,
so it is worthless anywhere else. AWS's Encryption SDK does more (streams, key rings, signatures)
and imports for several times as long.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trunkline.errors import DecryptionFailed

DATA_KEY = "_data_key"
"""The attribute that holds the encrypted data key of an item's fields."""

_FORMAT = b"\x01"
_NONCE_BYTES = 12
"""AES-GCM's own size; at random it is safe for far more items than a data key is used for
(NIST SP 800-38D, section 8.3)."""


@dataclass(frozen=True)
class DataKey:
    """A key for some items."""

    plain: bytes
    wrapped: bytes
    """The same, encrypted by KMS; names the KMS key, so that old ones are found after a change."""


class DataKeys(Protocol):
    """Where data keys come from."""

    def for_writing(self) -> DataKey:
        """A key to encrypt an item with."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """The key that an item was encrypted with; ``ValueError`` if it is none."""
        ...


class EncryptedFields:
    """Encrypts and decrypts some fields of one table's items."""

    def __init__(self, service: str, table: str, fields: Sequence[str], keys: DataKeys) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # only where it is needed

        self._service = service
        self._table = table
        self._fields = tuple(fields)
        self._keys = keys
        self._cipher = AESGCM

    def seal(self, key: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any]:
        """An item's attributes as they are stored.

        Args:
            key: the item's key.
            values: JSON values by field.
        """
        data_key = self._keys.for_writing()
        cipher = self._cipher(data_key.plain)
        sealed = {**values, DATA_KEY: data_key.wrapped}
        for field in self._fields:
            nonce = os.urandom(_NONCE_BYTES)
            text = json.dumps(values[field], ensure_ascii=False).encode()
            place = self._place(key, field, _FORMAT)
            sealed[field] = _FORMAT + nonce + cipher.encrypt(nonce, text, place)
        return sealed

    def open(self, key: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any]:
        """An item's JSON values, from its attributes.

        What was stored before its field was declared as encrypted is read as it is; the next write
        encrypts it.

        Raises:
            DecryptionFailed: a field was moved or changed, or its key is no more.
        """
        opened = dict(values)
        wrapped = opened.pop(DATA_KEY, None)
        sealed = [field for field in self._fields if isinstance(opened.get(field), bytes)]
        if not sealed:
            return opened
        plain = self._unwrapped(wrapped)
        for field in sealed:
            opened[field] = self._opened(plain, opened[field], key, field)
        return opened

    def _unwrapped(self, wrapped: Any) -> bytes:
        try:
            return self._keys.unwrap(bytes(wrapped))
        except (TypeError, ValueError) as error:
            raise DecryptionFailed(self._table, DATA_KEY) from error

    def _opened(self, plain: bytes, sealed: bytes, key: Sequence[str], field: str) -> Any:
        from cryptography.exceptions import InvalidTag

        head = len(_FORMAT) + _NONCE_BYTES
        nonce, content = sealed[len(_FORMAT) : head], sealed[head:]
        place = self._place(key, field, sealed[: len(_FORMAT)])
        try:
            return json.loads(self._cipher(plain).decrypt(nonce, content, place))
        except (InvalidTag, ValueError) as error:
            raise DecryptionFailed(self._table, field) from error

    def _place(self, key: Sequence[str], field: str, form: bytes) -> bytes:
        """What a ciphertext is bound to; JSON, so that no two places are written alike."""
        return form + json.dumps([self._service, self._table, *key, field]).encode()
