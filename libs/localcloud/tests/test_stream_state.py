"""DynamoDB streams survive a restart."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import boto3

from trunkline_localcloud import CloudSettings, LocalCloud


def _client(cloud: LocalCloud, service: str) -> Any:
    return closing(
        boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=cloud.endpoint,
            region_name=cloud.region,
            aws_access_key_id=cloud.admin_access_key,
            aws_secret_access_key=cloud.admin_secret_key,
        )
    )


def _put(cloud: LocalCloud, item: str) -> None:
    with _client(cloud, "dynamodb") as tables:
        tables.put_item(TableName="facts", Item={"id": {"S": item}})


def _streamed(cloud: LocalCloud) -> list[str]:
    with _client(cloud, "dynamodbstreams") as streams:
        (stream,) = streams.list_streams(TableName="facts")["Streams"]
        arn = stream["StreamArn"]
        (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        return [record["dynamodb"]["Keys"]["id"]["S"] for record in records]


def test_a_stream_keeps_its_records_over_a_restart(tmp_path: Path) -> None:
    """Records written before a restart are read after it, before those written since."""
    settings = CloudSettings(port=0, state_dir=tmp_path)
    with LocalCloud.start(settings) as cloud:
        with _client(cloud, "dynamodb") as tables:
            tables.create_table(
                TableName="facts",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
                StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            )
        _put(cloud, "before")
    with LocalCloud.start(settings) as cloud:
        _put(cloud, "after")
        assert ["before", "after"] == _streamed(cloud)
