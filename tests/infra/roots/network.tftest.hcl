# Assertions on the root of the network in dev, applied on a mocked provider.

mock_provider "aws" {
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:111122223333:log-group:some" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/some" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:111122223333:key/some", key_id = "some" }
  }
}

run "apply" {
  assert {
    condition     = length(aws_nat_gateway.vpc_egress-a_nat[*]) == 1
    error_message = "payments declares a host, so there is a way out."
  }
  assert {
    condition = alltrue([
      for s in jsondecode(aws_vpc_endpoint.endpoint-execute-api.policy).Statement :
      s.Condition.StringEquals["aws:PrincipalAccount"] == "111122223333"
    ])
    error_message = "The way to private APIs admits only the own account."
  }
  assert {
    condition     = aws_vpc_endpoint.endpoint-execute-api.private_dns_enabled
    error_message = "Private APIs are reached by their usual names."
  }
  assert {
    condition = aws_ssm_parameter.parameter-isolated-subnet-ids.insecure_value == join(",", [
      aws_subnet.vpc_isolated-a_subnet.id, aws_subnet.vpc_isolated-b_subnet.id,
    ])
    error_message = "Services learn the isolated subnets of every zone."
  }
}
