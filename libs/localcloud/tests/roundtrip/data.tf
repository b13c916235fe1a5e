resource "aws_dynamodb_table" "orders" {
  name                        = "roundtrip-orders"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  stream_enabled              = true
  stream_view_type            = "NEW_AND_OLD_IMAGES"
  deletion_protection_enabled = false

  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "sk"
    type = "S"
  }
  attribute {
    name = "gsi1pk"
    type = "S"
  }

  global_secondary_index {
    name            = "gsi1"
    hash_key        = "gsi1pk"
    range_key       = "sk"
    projection_type = "ALL"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }
  point_in_time_recovery { enabled = true }
  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.data.arn
  }
}

resource "aws_sqs_queue" "dead" {
  name                              = "roundtrip-work-dead"
  kms_master_key_id                 = aws_kms_key.data.arn
  kms_data_key_reuse_period_seconds = 300
  message_retention_seconds         = 1209600
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["arn:${local.partition}:sqs:${data.aws_region.this.name}:${local.account}:roundtrip-work"]
  })
}

resource "aws_sqs_queue" "work" {
  name                              = "roundtrip-work"
  kms_master_key_id                 = aws_kms_key.data.arn
  kms_data_key_reuse_period_seconds = 300
  visibility_timeout_seconds        = 180
  receive_wait_time_seconds         = 20
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 5
  })
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "FromTopic"
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = "arn:${local.partition}:sqs:${data.aws_region.this.name}:${local.account}:roundtrip-work"
      Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.events.arn } }
    }]
  })
}

resource "aws_sqs_queue" "plain_fifo" {
  name                        = "roundtrip-plain.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  sqs_managed_sse_enabled     = true
}

resource "aws_sns_topic" "events" {
  name              = "roundtrip-events"
  kms_master_key_id = aws_kms_key.data.arn
  tracing_config    = "Active"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OwnAccount"
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = ["sns:Subscribe", "sns:Publish"]
      Resource  = "arn:${local.partition}:sns:${data.aws_region.this.name}:${local.account}:roundtrip-events"
      Condition = { StringEquals = { "aws:PrincipalAccount" = local.account } }
    }]
  })
}

resource "aws_sns_topic_subscription" "work" {
  topic_arn            = aws_sns_topic.events.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.work.arn
  raw_message_delivery = true
  filter_policy        = jsonencode({ type = ["orders.order_placed.v1"] })
  filter_policy_scope  = "MessageAttributes"
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn })
}

resource "aws_ses_email_identity" "sender" {
  email = "sender@example.com"
}

resource "aws_sesv2_email_identity" "sender" {
  email_identity         = "shop@example.com"
  configuration_set_name = aws_sesv2_configuration_set.this.configuration_set_name
}

resource "aws_sesv2_email_identity" "domain" {
  email_identity = "example.org"
}

resource "aws_sesv2_configuration_set" "this" {
  configuration_set_name = "roundtrip"
  reputation_options { reputation_metrics_enabled = true }
  sending_options { sending_enabled = true }
  delivery_options { tls_policy = "REQUIRE" }
}

resource "aws_sesv2_configuration_set_event_destination" "this" {
  configuration_set_name = aws_sesv2_configuration_set.this.configuration_set_name
  event_destination_name = "sns"
  event_destination {
    enabled              = true
    matching_event_types = ["BOUNCE", "COMPLAINT"]
    sns_destination { topic_arn = aws_sns_topic.events.arn }
  }
}

resource "aws_cloudwatch_event_bus" "this" {
  name = "roundtrip"
}

resource "aws_cloudwatch_event_archive" "this" {
  name             = "roundtrip"
  event_source_arn = aws_cloudwatch_event_bus.this.arn
  retention_days   = 7
}

resource "aws_cloudwatch_event_rule" "this" {
  name           = "roundtrip"
  event_bus_name = aws_cloudwatch_event_bus.this.name
  event_pattern  = jsonencode({ source = ["roundtrip"] })
}

resource "aws_cloudwatch_event_target" "this" {
  rule           = aws_cloudwatch_event_rule.this.name
  event_bus_name = aws_cloudwatch_event_bus.this.name
  arn            = aws_sqs_queue.work.arn
  dead_letter_config { arn = aws_sqs_queue.dead.arn }
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 3
  }
}

resource "aws_iam_role" "scheduler" {
  name = "roundtrip-scheduler"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_scheduler_schedule_group" "this" {
  name = "roundtrip"
}

resource "aws_scheduler_schedule" "this" {
  name                         = "roundtrip"
  group_name                   = aws_scheduler_schedule_group.this.name
  schedule_expression          = "rate(1 hour)"
  schedule_expression_timezone = "UTC"
  kms_key_arn                  = aws_kms_key.data.arn
  flexible_time_window { mode = "OFF" }
  target {
    arn      = aws_lambda_function.echo.arn
    role_arn = aws_iam_role.scheduler.arn
    input    = jsonencode({ tick = true })
    dead_letter_config { arn = aws_sqs_queue.dead.arn }
    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 3
    }
  }
}
