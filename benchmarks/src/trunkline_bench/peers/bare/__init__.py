"""A bare handler: json and boto3, everything by hand."""
