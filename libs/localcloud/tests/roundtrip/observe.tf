resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "roundtrip-errors"
  alarm_description   = "Errors of the live alias"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = aws_lambda_function.echo.function_name, Resource = "${aws_lambda_function.echo.function_name}:live" }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.events.arn]
  ok_actions          = [aws_sns_topic.events.arn]
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  alarm_name          = "roundtrip-slow"
  namespace           = "AWS/Lambda"
  metric_name         = "Duration"
  dimensions          = { FunctionName = aws_lambda_function.echo.function_name }
  extended_statistic  = "p99"
  period              = 60
  evaluation_periods  = 1
  threshold           = 1000
  comparison_operator = "GreaterThanThreshold"
  unit                = "Milliseconds"
}

resource "aws_cloudwatch_metric_alarm" "rate" {
  alarm_name          = "roundtrip-error-rate"
  evaluation_periods  = 1
  threshold           = 0.05
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  metric_query {
    id          = "rate"
    expression  = "errors / MAX([errors, count])"
    label       = "Error rate"
    return_data = true
  }
  metric_query {
    id = "errors"
    metric {
      namespace   = "AWS/ApiGateway"
      metric_name = "5XXError"
      period      = 60
      stat        = "Sum"
      dimensions  = { ApiName = aws_api_gateway_rest_api.parts.name, Stage = "live" }
    }
  }
  metric_query {
    id = "count"
    metric {
      namespace   = "AWS/ApiGateway"
      metric_name = "Count"
      period      = 60
      stat        = "Sum"
      dimensions  = { ApiName = aws_api_gateway_rest_api.parts.name, Stage = "live" }
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "any" {
  alarm_name        = "roundtrip-any"
  alarm_description = "Any"
  alarm_rule        = "ALARM(\"${aws_cloudwatch_metric_alarm.errors.alarm_name}\") OR ALARM(\"${aws_cloudwatch_metric_alarm.slow.alarm_name}\")"
  alarm_actions     = [aws_sns_topic.events.arn]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "roundtrip"
  dashboard_body = jsonencode({
    widgets = [{
      type = "metric", x = 0, y = 0, width = 12, height = 6
      properties = {
        region  = data.aws_region.this.name
        title   = "Errors"
        metrics = [["AWS/Lambda", "Errors", "FunctionName", aws_lambda_function.echo.function_name]]
      }
    }]
  })
}

resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "errors"
  log_group_name = aws_cloudwatch_log_group.function.name
  pattern        = "{ $.level = \"ERROR\" }"
  metric_transformation {
    namespace     = "Roundtrip"
    name          = "LoggedErrors"
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

