"""DynamoDB tables."""

from __future__ import annotations

from typing import Literal

from cdktn_provider_aws.dynamodb_table import DynamodbTable, DynamodbTableAttribute
from constructs import Construct

from trunkline.manifest import Table as TableDeclaration
from trunkline.manifest import variables
from trunkline_platform.aws import Aws
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.identity import Grantee
from trunkline_platform.policy import Statement

__all__ = ["Table"]

_READ = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")
_WRITE = ("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")


class Table(Construct):
    """A table paid by request, encrypted with the data key.

    Where the environment keeps its data, it is protected against deletion and can be restored to
    any second of the last 35 days.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        aws: Aws,
        name: str,
        declaration: TableDeclaration,
        key: EncryptionKey,
    ) -> None:
        super().__init__(scope, id_)
        self.name = name
        self.arn = aws.arn("dynamodb", f"table/{name}")
        self._label = "".join(part.capitalize() for part in declaration.name.split("-"))
        self._key = key
        self._declared_name = declaration.name
        self.is_outbox = declaration.stream
        keys = [declaration.partition_key]
        if declaration.sort_key is not None:
            keys.append(declaration.sort_key)
        ttl = declaration.ttl_attribute
        self.resource = DynamodbTable(
            self,
            "this",
            name=name,
            billing_mode="PAY_PER_REQUEST",
            attribute=[DynamodbTableAttribute(name=attribute, type="S") for attribute in keys],
            hash_key=declaration.partition_key,
            range_key=declaration.sort_key,
            server_side_encryption={"enabled": True, "kms_key_arn": key.arn},
            point_in_time_recovery={"enabled": aws.settings.keep_data},
            deletion_protection_enabled=aws.settings.keep_data,
            stream_enabled=True if declaration.stream else None,
            stream_view_type="NEW_IMAGE" if declaration.stream else None,
            ttl={"attribute_name": ttl, "enabled": True} if ttl is not None else None,
        )

    def grant_read(self, grantee: Grantee) -> None:
        """Let the grantee get items by key and query; it cannot scan."""
        self._grant(grantee, "Read", _READ)

    def grant_write(self, grantee: Grantee) -> None:
        """Let the grantee put, update and delete single items, also in transactions."""
        self._grant(grantee, "Write", _WRITE)

    def grant_append(self, grantee: Grantee) -> None:
        """Let the grantee put items, also in transactions, and nothing else: an outbox."""
        self._grant(grantee, "Append", ("dynamodb:PutItem",))

    def grant_drain(self, grantee: Grantee, *, in_order: bool) -> None:
        """Let the grantee find out which items are left and delete them: the relay of an outbox.

        To keep an order, it must see what comes before an item.
        """
        actions = ("dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:Scan")
        self._grant(grantee, "Drain", (*actions, "dynamodb:Query") if in_order else actions)

    def grant_fields(
        self, grantee: Grantee, *, service: str, access: Literal["read", "write"]
    ) -> None:
        """Let the grantee decrypt (``read``) or encrypt (``write``) fields of items."""
        self._key.grant_data_keys(
            grantee,
            sid=f"{'Decrypt' if access == 'read' else 'Encrypt'}FieldsOf{self._label}",
            action="kms:Decrypt" if access == "read" else "kms:GenerateDataKey",
            context=variables.encryption_context(service, self._declared_name),
        )

    def grant_stream(self, grantee: Grantee) -> None:
        """Let the grantee follow the table's stream, as an event source mapping does.

        https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
        """
        grantee.allow(
            Statement(
                sid=f"Follow{self._label}",
                actions=(
                    "dynamodb:DescribeStream",
                    "dynamodb:GetRecords",
                    "dynamodb:GetShardIterator",
                    "dynamodb:ListStreams",
                ),
                # A stream's name is the time at which AWS made it.
                resources=(f"{self.arn}/stream/*",),
            )
        )
        self._key.grant_decrypt(grantee, through="dynamodb")

    def _grant(self, grantee: Grantee, verb: str, actions: tuple[str, ...]) -> None:
        grantee.allow(Statement(sid=f"{verb}{self._label}", actions=actions, resources=(self.arn,)))
        self._key.grant_decrypt(grantee, through="dynamodb")
