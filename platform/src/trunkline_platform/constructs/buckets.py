"""Buckets."""

from __future__ import annotations

from collections.abc import Iterable

from cdktn_provider_aws.s3_bucket import S3Bucket
from cdktn_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from cdktn_provider_aws.s3_bucket_ownership_controls import S3BucketOwnershipControls
from cdktn_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktn_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktn_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
)
from cdktn_provider_aws.s3_bucket_versioning import S3BucketVersioningA
from constructs import Construct

from trunkline_platform.aws import Aws
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.policy import Statement, document, require_tls

__all__ = ["Bucket"]


class Bucket(Construct):
    """A bucket: versioned, encrypted with a key, TLS only, closed to the public, without ACLs.

    Not emptied by ``destroy`` where the environment keeps its data.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        aws: Aws,
        name: str,
        key: EncryptionKey,
        expire_superseded_days: int | None = None,
        expire_days: int | None = None,
        statements: Iterable[Statement] = (),
    ) -> None:
        """
        Args:
            expire_superseded_days: After how many days versions that are no longer the newest are
                deleted; ``None`` keeps them.
            expire_days: After how many days every object is deleted, and its versions the day
                after; ``None`` keeps them.
            statements: Whom else the bucket's policy admits.
        """
        super().__init__(scope, id_)
        self.arn = f"arn:aws:s3:::{name}"
        self.resource = S3Bucket(
            self, "this", bucket=name, force_destroy=not aws.settings.keep_data
        )
        bucket = self.resource.id
        S3BucketPublicAccessBlock(
            self,
            "public-access",
            bucket=bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        S3BucketOwnershipControls(
            self, "ownership", bucket=bucket, rule={"object_ownership": "BucketOwnerEnforced"}
        )
        S3BucketVersioningA(
            self, "versioning", bucket=bucket, versioning_configuration={"status": "Enabled"}
        )
        S3BucketServerSideEncryptionConfigurationA(
            self,
            "encryption",
            bucket=bucket,
            rule=[
                S3BucketServerSideEncryptionConfigurationRuleA(
                    bucket_key_enabled=True,
                    apply_server_side_encryption_by_default={
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": key.arn,
                    },
                )
            ],
        )
        tls = require_tls(("s3:*",), self.arn, f"{self.arn}/*")
        self.policy = S3BucketPolicy(
            self, "policy", bucket=bucket, policy=document([tls, *statements])
        )
        if expire_days is not None:
            self._expire(bucket, "everything", 1, expire_days)
        elif expire_superseded_days is not None:
            self._expire(bucket, "superseded", expire_superseded_days, None)

    def _expire(self, bucket: str, id_: str, superseded: int, days: int | None) -> None:
        whole = S3BucketLifecycleConfigurationRuleExpiration(days=days)
        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=bucket,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id=id_,
                    status="Enabled",
                    filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
                    noncurrent_version_expiration=[
                        S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(
                            noncurrent_days=superseded
                        )
                    ],
                    expiration=[whole] if days is not None else None,
                    abort_incomplete_multipart_upload=[
                        S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                            days_after_initiation=7
                        )
                    ],
                )
            ],
        )
