"""Powertools for AWS Lambda, assembled by hand as its documentation recommends."""
