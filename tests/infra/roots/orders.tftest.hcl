# Assertions on the root of orders in dev, applied on a mocked provider.

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
  override_data {
    target = data.aws_ssm_parameter.read-network-execute-api-endpoint-id
    values = { insecure_value = "vpce-1" }
  }
  mock_resource "aws_api_gateway_rest_api" {
    defaults = {
      id            = "abc"
      execution_arn = "arn:aws:execute-api:eu-central-1:111122223333:abc"
    }
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
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:111122223333:some" }
  }
}

variables {
  bundle = { key = "some.zip", sha256 = "abc=" }
}

run "apply" {
  assert {
    condition = alltrue([
      for s in jsondecode(aws_api_gateway_rest_api_policy.private-api_this_policy.policy).Statement :
      s.Condition.StringNotEquals["aws:SourceVpce"] == "vpce-1" if s.Sid == "OnlyThroughTheEndpoint"
    ])
    error_message = "The API must be closed to whatever does not come through the endpoint."
  }
  assert {
    condition = contains(
      flatten([
        for s in jsondecode(aws_api_gateway_rest_api_policy.private-api_this_policy.policy).Statement :
        s.Resource if s.Effect == "Deny"
      ]),
      "arn:aws:execute-api:eu-central-1:111122223333:abc/live/POST/orders"
    )
    error_message = "Placing an order must be denied to others."
  }
  assert {
    condition     = aws_ssm_parameter.parameter-api-url.insecure_value == "https://abc.execute-api.eu-central-1.amazonaws.com/live"
    error_message = "Callers find the API under AWS's own address."
  }
  assert {
    condition     = aws_lambda_function.api.architectures == tolist(["arm64"]) && aws_lambda_function.api.runtime == "python3.13"
    error_message = "Functions run on arm64 and Python 3.13 unless a build says otherwise."
  }
  assert {
    condition     = aws_dynamodb_table.table-orders.deletion_protection_enabled
    error_message = "Orders are protected against deletion."
  }
}

run "another_address" {
  variables {
    api_url_template = "http://there/{region}/{api}/{stage}"
  }
  assert {
    condition     = aws_ssm_parameter.parameter-api-url.insecure_value == "http://there/eu-central-1/abc/live"
    error_message = "The address follows the template."
  }
}
