resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/roundtrip-echo"
  retention_in_days = 14
  kms_key_id        = aws_kms_key.data.arn
}

resource "aws_lambda_function" "echo" {
  function_name                  = "roundtrip-echo"
  role                           = aws_iam_role.function.arn
  handler                        = "echo.handler"
  runtime                        = "python3.13"
  architectures                  = ["arm64"]
  s3_bucket                      = aws_s3_object.bundle.bucket
  s3_key                         = aws_s3_object.bundle.key
  s3_object_version              = aws_s3_object.bundle.version_id
  publish                        = true
  memory_size                    = 512
  timeout                        = 30
  reserved_concurrent_executions = 5
  kms_key_arn                    = aws_kms_key.data.arn

  environment {
    variables = { STAGE = "test" }
  }
  vpc_config {
    subnet_ids         = aws_subnet.private[*].id
    security_group_ids = [aws_security_group.functions.id]
  }
  tracing_config { mode = "Active" }
  dead_letter_config { target_arn = aws_sqs_queue.dead.arn }
  logging_config {
    log_format            = "JSON"
    application_log_level = "INFO"
    system_log_level      = "WARN"
    log_group             = aws_cloudwatch_log_group.function.name
  }
  ephemeral_storage { size = 512 }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.echo.function_name
  function_version = aws_lambda_function.echo.version
  lifecycle { ignore_changes = [function_version, routing_config] }
}

resource "aws_lambda_function_event_invoke_config" "live" {
  function_name                = aws_lambda_function.echo.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_event_age_in_seconds = 3600
  maximum_retry_attempts       = 1
  destination_config {
    on_failure { destination = aws_sqs_queue.dead.arn }
  }
}

resource "aws_lambda_permission" "api" {
  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.echo.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.parts.execution_arn}/*/*"
}

resource "aws_lambda_event_source_mapping" "queue" {
  event_source_arn                   = aws_sqs_queue.work.arn
  function_name                      = aws_lambda_alias.live.arn
  batch_size                         = 10
  maximum_batching_window_in_seconds = 1
  function_response_types            = ["ReportBatchItemFailures"]
  scaling_config { maximum_concurrency = 5 }
  filter_criteria {
    filter { pattern = jsonencode({ body = { kind = ["x"] } }) }
  }
  depends_on = [aws_iam_role_policy.function]
}

resource "aws_lambda_event_source_mapping" "stream" {
  event_source_arn                   = aws_dynamodb_table.orders.stream_arn
  function_name                      = aws_lambda_alias.live.arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 50
  parallelization_factor             = 2
  bisect_batch_on_function_error     = true
  maximum_retry_attempts             = 3
  maximum_record_age_in_seconds      = 3600
  maximum_batching_window_in_seconds = 1
  function_response_types            = ["ReportBatchItemFailures"]
  filter_criteria {
    filter { pattern = jsonencode({ eventName = ["INSERT"], dynamodb = { Keys = { sk = { S = [{ prefix = "OUTBOX#" }] } } } }) }
  }
  destination_config {
    on_failure { destination_arn = aws_sqs_queue.dead.arn }
  }
  depends_on = [aws_iam_role_policy.function]
}
