data "aws_iam_policy_document" "private_api" {
  statement {
    effect    = "Allow"
    actions   = ["execute-api:Invoke"]
    resources = ["execute-api:/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
  statement {
    effect    = "Deny"
    actions   = ["execute-api:Invoke"]
    resources = ["execute-api:/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:SourceVpce"
      values   = [aws_vpc_endpoint.interface["execute-api"].id]
    }
  }
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/roundtrip/access"
  retention_in_days = 30
}

resource "aws_iam_role" "api_logs" {
  name = "roundtrip-api-logs"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_api_gateway_account" "this" {
  cloudwatch_role_arn = aws_iam_role.api_logs.arn
}

resource "aws_cognito_user_pool" "shop" {
  name                     = "roundtrip"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  deletion_protection      = "INACTIVE"
  mfa_configuration        = "OFF"
  password_policy {
    minimum_length                   = 12
    require_lowercase                = true
    require_numbers                  = true
    require_symbols                  = false
    require_uppercase                = true
    temporary_password_validity_days = 7
  }
  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }
}

resource "aws_cognito_user_pool_client" "web" {
  name                          = "web"
  user_pool_id                  = aws_cognito_user_pool.shop.id
  explicit_auth_flows           = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"]
  prevent_user_existence_errors = "ENABLED"
  enable_token_revocation       = true
  access_token_validity         = 60
  id_token_validity             = 60
  refresh_token_validity        = 30
  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "days"
  }
}

resource "aws_cognito_resource_server" "shop" {
  user_pool_id = aws_cognito_user_pool.shop.id
  identifier   = "shop"
  name         = "shop"
  scope {
    scope_name        = "orders.write"
    scope_description = "Place orders"
  }
}

resource "aws_cognito_user_group" "operators" {
  name         = "operators"
  user_pool_id = aws_cognito_user_pool.shop.id
  description  = "Operators"
  precedence   = 1
}

resource "aws_api_gateway_rest_api" "parts" {
  name        = "roundtrip-parts"
  description = "separate resources"
  endpoint_configuration { types = ["REGIONAL"] }
}

resource "aws_api_gateway_authorizer" "pool" {
  name                             = "pool"
  rest_api_id                      = aws_api_gateway_rest_api.parts.id
  type                             = "COGNITO_USER_POOLS"
  provider_arns                    = [aws_cognito_user_pool.shop.arn]
  identity_source                  = "method.request.header.Authorization"
  authorizer_result_ttl_in_seconds = 300
}

resource "aws_api_gateway_resource" "orders" {
  rest_api_id = aws_api_gateway_rest_api.parts.id
  parent_id   = aws_api_gateway_rest_api.parts.root_resource_id
  path_part   = "orders"
}

resource "aws_api_gateway_resource" "order" {
  rest_api_id = aws_api_gateway_rest_api.parts.id
  parent_id   = aws_api_gateway_resource.orders.id
  path_part   = "{order_id}"
}

resource "aws_api_gateway_request_validator" "all" {
  name                        = "all"
  rest_api_id                 = aws_api_gateway_rest_api.parts.id
  validate_request_body       = true
  validate_request_parameters = true
}

resource "aws_api_gateway_method" "place" {
  rest_api_id          = aws_api_gateway_rest_api.parts.id
  resource_id          = aws_api_gateway_resource.orders.id
  http_method          = "POST"
  authorization        = "COGNITO_USER_POOLS"
  authorizer_id        = aws_api_gateway_authorizer.pool.id
  authorization_scopes = ["shop/orders.write"]
  request_validator_id = aws_api_gateway_request_validator.all.id
  request_parameters   = { "method.request.header.Idempotency-Key" = true }
}

resource "aws_api_gateway_integration" "place" {
  rest_api_id             = aws_api_gateway_rest_api.parts.id
  resource_id             = aws_api_gateway_resource.orders.id
  http_method             = aws_api_gateway_method.place.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_alias.live.invoke_arn
  timeout_milliseconds    = 10000
}

resource "aws_api_gateway_method" "get" {
  rest_api_id        = aws_api_gateway_rest_api.parts.id
  resource_id        = aws_api_gateway_resource.order.id
  http_method        = "GET"
  authorization      = "AWS_IAM"
  request_parameters = { "method.request.path.order_id" = true }
}

resource "aws_api_gateway_integration" "get" {
  rest_api_id             = aws_api_gateway_rest_api.parts.id
  resource_id             = aws_api_gateway_resource.order.id
  http_method             = aws_api_gateway_method.get.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_alias.live.invoke_arn
}

resource "aws_api_gateway_method" "options" {
  rest_api_id   = aws_api_gateway_rest_api.parts.id
  resource_id   = aws_api_gateway_resource.orders.id
  http_method   = "OPTIONS"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "options" {
  rest_api_id       = aws_api_gateway_rest_api.parts.id
  resource_id       = aws_api_gateway_resource.orders.id
  http_method       = aws_api_gateway_method.options.http_method
  type              = "MOCK"
  request_templates = { "application/json" = jsonencode({ statusCode = 204 }) }
}

resource "aws_api_gateway_method_response" "options" {
  rest_api_id         = aws_api_gateway_rest_api.parts.id
  resource_id         = aws_api_gateway_resource.orders.id
  http_method         = aws_api_gateway_method.options.http_method
  status_code         = "204"
  response_parameters = { "method.response.header.Access-Control-Allow-Origin" = true }
}

resource "aws_api_gateway_integration_response" "options" {
  rest_api_id         = aws_api_gateway_rest_api.parts.id
  resource_id         = aws_api_gateway_resource.orders.id
  http_method         = aws_api_gateway_method.options.http_method
  status_code         = aws_api_gateway_method_response.options.status_code
  response_parameters = { "method.response.header.Access-Control-Allow-Origin" = "'*'" }
  depends_on          = [aws_api_gateway_integration.options]
}

resource "aws_api_gateway_gateway_response" "default_4xx" {
  rest_api_id         = aws_api_gateway_rest_api.parts.id
  response_type       = "DEFAULT_4XX"
  response_parameters = { "gatewayresponse.header.Access-Control-Allow-Origin" = "'*'" }
  response_templates  = { "application/json" = "{\"message\":$context.error.messageString}" }
}

resource "aws_api_gateway_rest_api_policy" "parts" {
  rest_api_id = aws_api_gateway_rest_api.parts.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "execute-api:Invoke"
      Resource  = "${aws_api_gateway_rest_api.parts.execution_arn}/*"
    }]
  })
}

resource "aws_api_gateway_deployment" "parts" {
  rest_api_id = aws_api_gateway_rest_api.parts.id
  triggers = {
    uris = sha1(jsonencode([
      aws_api_gateway_integration.place.uri,
      aws_api_gateway_integration.get.uri,
      aws_api_gateway_method.place.authorization,
      aws_api_gateway_method.get.authorization,
    ]))
  }
  lifecycle { create_before_destroy = true }
  depends_on = [aws_api_gateway_integration.place, aws_api_gateway_integration.get, aws_api_gateway_integration_response.options, aws_api_gateway_rest_api_policy.parts]
}

resource "aws_api_gateway_stage" "parts" {
  rest_api_id          = aws_api_gateway_rest_api.parts.id
  deployment_id        = aws_api_gateway_deployment.parts.id
  stage_name           = "live"
  xray_tracing_enabled = true
  variables            = { release = "one" }
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = jsonencode({ requestId = "$context.requestId" })
  }
  depends_on = [aws_api_gateway_account.this]
}

resource "aws_api_gateway_method_settings" "parts" {
  rest_api_id = aws_api_gateway_rest_api.parts.id
  stage_name  = aws_api_gateway_stage.parts.stage_name
  method_path = "*/*"
  settings {
    metrics_enabled    = true
    logging_level      = "INFO"
    data_trace_enabled = false
  }
}

resource "aws_api_gateway_rest_api" "private" {
  name   = "roundtrip-private"
  policy = data.aws_iam_policy_document.private_api.json
  endpoint_configuration {
    types            = ["PRIVATE"]
    vpc_endpoint_ids = [aws_vpc_endpoint.interface["execute-api"].id]
  }
}

resource "aws_api_gateway_resource" "things" {
  rest_api_id = aws_api_gateway_rest_api.private.id
  parent_id   = aws_api_gateway_rest_api.private.root_resource_id
  path_part   = "things"
}

resource "aws_api_gateway_method" "things" {
  rest_api_id   = aws_api_gateway_rest_api.private.id
  resource_id   = aws_api_gateway_resource.things.id
  http_method   = "GET"
  authorization = "AWS_IAM"
}

resource "aws_api_gateway_integration" "things" {
  rest_api_id             = aws_api_gateway_rest_api.private.id
  resource_id             = aws_api_gateway_resource.things.id
  http_method             = aws_api_gateway_method.things.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_alias.live.invoke_arn
}

resource "aws_api_gateway_deployment" "private" {
  rest_api_id = aws_api_gateway_rest_api.private.id
  triggers = {
    uri    = sha1(aws_api_gateway_integration.things.uri)
    policy = sha1(aws_api_gateway_rest_api.private.policy)
  }
  lifecycle { create_before_destroy = true }
}

resource "aws_api_gateway_stage" "private" {
  rest_api_id          = aws_api_gateway_rest_api.private.id
  deployment_id        = aws_api_gateway_deployment.private.id
  stage_name           = "live"
  xray_tracing_enabled = true
}
