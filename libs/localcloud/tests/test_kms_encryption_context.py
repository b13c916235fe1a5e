"""Contract: KMS heeds the encryption context, in what it decrypts and in whom it admits.

https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]
CONTEXT = {"trunkline:service": "orders", "trunkline:table": "orders"}
_ADMINISTRATION = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
    "Action": ["kms:Put*", "kms:Describe*", "kms:Schedule*"],
    "Resource": "*",
}
_FIELDS = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
    "Resource": "*",
    "Condition": {
        "StringEquals": {"kms:CallerAccount": "000000000000"},
        "StringLike": {f"kms:EncryptionContext:{name}": "*" for name in CONTEXT},
    },
}


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def key(client: Client) -> str:
    """A key that admits whoever names a service and a table, if IAM does."""
    policy = _policy(_ADMINISTRATION, _FIELDS)
    return str(client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"])


@pytest.fixture(scope="module")
def kms(client: Client, key: str) -> Any:
    """KMS as a user sees it whose policy names one context."""
    iam, name = client("iam"), f"user-{secrets.token_hex(4)}"
    allowed = {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": key,
        "Condition": {
            "StringEquals": {f"kms:EncryptionContext:{name}": v for name, v in CONTEXT.items()}
        },
    }
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=_policy(allowed))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return client(
        "kms",
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
    )


def _code(call: Callable[..., object], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_a_data_key_is_decrypted_with_its_own_context(kms: Any, key: str) -> None:
    """The right context gives the key back, without saying which KMS key it was."""
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    found = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert made["Plaintext"] == found["Plaintext"]
    assert key == found["KeyId"]


@pytest.mark.parametrize(
    "context", [{}, {**CONTEXT, "trunkline:table": "receipts"}, {"trunkline:service": "orders"}]
)
def test_another_context_is_not_admitted(kms: Any, key: str, context: dict[str, str]) -> None:
    """Neither to make a data key nor to decrypt one."""
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    blob = made["CiphertextBlob"]
    assert "AccessDeniedException" == _code(
        kms.decrypt, CiphertextBlob=blob, EncryptionContext=context
    )
    assert "AccessDeniedException" == _code(
        kms.generate_data_key, KeyId=key, KeySpec="AES_256", EncryptionContext=context
    )


def test_a_context_that_is_not_its_own_decrypts_nothing(client: Client) -> None:
    """Whoever may ask for every context still needs the right one."""
    kms = client("kms")
    made = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.generate_data_key(KeyId=made, KeySpec="AES_256", EncryptionContext=CONTEXT)[
        "CiphertextBlob"
    ]
    other = {**CONTEXT, "trunkline:table": "receipts"}
    assert "InvalidCiphertextException" == _code(
        kms.decrypt, CiphertextBlob=blob, EncryptionContext=other
    )
