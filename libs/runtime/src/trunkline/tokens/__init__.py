"""Tokens that nobody has verified before us: a customer's JWT in a container's request."""

from trunkline.tokens.bearer import caller_from_bearer
from trunkline.tokens.issuers import cognito, oidc
from trunkline.tokens.verifier import TokenVerifier

__all__ = ["TokenVerifier", "caller_from_bearer", "cognito", "oidc"]
