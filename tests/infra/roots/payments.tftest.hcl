# Assertions on the root of payments in dev, applied on a mocked provider.

mock_provider "aws" {
  mock_data "aws_ssm_parameter" {
    defaults = { insecure_value = "value-1,value-2" }
  }
  override_data {
    target = data.aws_ssm_parameter.read-foundation-data-key-arn
    values = { insecure_value = "arn:aws:kms:eu-central-1:111122223333:key/data" }
  }
  override_data {
    target = data.aws_ssm_parameter.read-messaging-key-arn
    values = { insecure_value = "arn:aws:kms:eu-central-1:111122223333:key/messages" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:111122223333:log-group:some" }
  }
  mock_resource "aws_dynamodb_table" {
    defaults = {
      arn        = "arn:aws:dynamodb:eu-central-1:111122223333:table/some"
      stream_arn = "arn:aws:dynamodb:eu-central-1:111122223333:table/some/stream/1"
    }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/some" }
  }
  mock_resource "aws_lambda_alias" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:111122223333:function:some:live" }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:some-a1b2c3" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:111122223333:some" }
  }
}

variables {
  bundle = { key = "some.zip", sha256 = "abc=" }
}

run "defaults" {
  assert {
    condition     = aws_lambda_function.on-order-placed.environment[0].variables.TRUNKLINE_SETTING_PROVIDER_URL == "https://api.payments.example"
    error_message = "Without a value the declared default is used."
  }
}

run "given" {
  variables {
    settings = { provider-url = "https://elsewhere.example" }
  }
  assert {
    condition     = aws_lambda_function.on-order-placed.environment[0].variables.TRUNKLINE_SETTING_PROVIDER_URL == "https://elsewhere.example"
    error_message = "A given value wins."
  }
}

run "misspelt" {
  command = plan
  variables {
    settings = { provider-uri = "https://elsewhere.example" }
  }
  expect_failures = [var.settings]
}
