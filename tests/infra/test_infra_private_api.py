"""Private APIs: through the VPC endpoint, by declared callers, else not at all."""

from __future__ import annotations

import json
from typing import Any

from trunkline_platform.environments import load_environment

API = "${aws_api_gateway_rest_api.private-api_this.execution_arn}"
CALLER = "arn:aws:iam::111122223333:role/trunkline-dev-sample-caller"


def _policy(root: Any) -> dict[str, dict[str, Any]]:
    (policy,) = root.all("aws_api_gateway_rest_api_policy").values()
    return {statement["Sid"]: statement for statement in json.loads(policy["policy"])["Statement"]}


def test_denies_whatever_does_not_come_through_the_endpoint(sample: dict[str, Any]) -> None:
    """Every route is denied to everybody whose request has another or no source endpoint."""
    statement = _policy(sample["other"])["OnlyThroughTheEndpoint"]
    endpoint = "${data.aws_ssm_parameter.read-network-execute-api-endpoint-id.insecure_value}"

    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Resource"] == f"{API}/*"
    assert statement["Condition"] == {"StringNotEquals": {"aws:SourceVpce": endpoint}}


def test_denies_everybody_but_the_declared_callers(sample: dict[str, Any]) -> None:
    """In one account an identity's own allow would suffice, so others are denied per route."""
    denied = [s for s in _policy(sample["other"]).values() if s["Sid"].startswith("NobodyElse")]

    (statement,) = denied
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Resource"] == f"{API}/live/GET/things/*"
    assert statement["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": CALLER}}


def test_denies_everybody_a_route_that_nobody_calls(sample: dict[str, Any]) -> None:
    """A route without declared callers is closed, whatever an identity's policy says."""
    statement = _policy(sample["other"])["CalledByNobody"]

    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Resource"] == f"{API}/live/POST/things"
    assert "Condition" not in statement


def test_admits_declared_callers_only(sample: dict[str, Any]) -> None:
    """What is allowed is allowed to the account's principals that are declared callers."""
    allowed = [s for s in _policy(sample["other"]).values() if s["Effect"] == "Allow"]

    (statement,) = allowed
    assert statement["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert statement["Resource"] == f"{API}/live/GET/things/*"
    assert statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": CALLER}}


def test_every_route_is_denied_to_others(roots: dict[str, Any], manifests: Any) -> None:
    """No route of any private API is forgotten by the denying statements."""
    for manifest in manifests:
        if manifest.api is None or manifest.api.exposure != "private":
            continue
        denied: set[str] = set()
        for sid, statement in _policy(roots[manifest.service]).items():
            if sid.startswith(("NobodyElse", "CalledByNobody")):
                resource = statement["Resource"]
                denied |= {resource} if isinstance(resource, str) else set(resource)
        assert len(denied) == len({(r.method, r.path) for r in manifest.api.routes})


def test_a_policy_fits(roots: dict[str, Any]) -> None:
    """API Gateway accepts at most 8,192 bytes."""
    for root in roots.values():
        for policy in root.all("aws_api_gateway_rest_api_policy").values():
            assert len(policy["policy"]) < 8192


def test_private_and_authorised_by_iam(sample: dict[str, Any]) -> None:
    """The API has no address outside the VPC, and every method checks the signature."""
    root = sample["other"]
    (api,) = root.all("aws_api_gateway_rest_api").values()

    assert api["endpoint_configuration"]["types"] == ["PRIVATE"]
    assert {m["authorization"] for m in root.all("aws_api_gateway_method").values()} == {"AWS_IAM"}


def test_public_api_asks_for_a_signed_in_customer(roots: dict[str, Any]) -> None:
    """Every public route is authorised by the user pool."""
    methods = roots["edge"].all("aws_api_gateway_method").values()

    assert {method["authorization"] for method in methods} == {"COGNITO_USER_POOLS"}
    assert all(method["authorizer_id"] for method in methods)


def test_a_route_with_scopes_takes_access_tokens(make: Any, manifests: Any) -> None:
    """API Gateway asks for the scopes that a route's manifest names, and else for none."""
    (front,) = (m for m in manifests if m.api is not None and m.api.exposure == "public")
    first, *others = front.api.routes
    routes = (first.model_copy(update={"scopes": ("shop/write",)}), *others)
    changed = front.model_copy(update={"api": front.api.model_copy(update={"routes": routes})})
    services = tuple(changed if m is front else m for m in manifests)
    methods = make(load_environment("dev"), services)["edge"].all("aws_api_gateway_method")
    asked = {m["operation_name"]: m.get("authorization_scopes") for m in methods.values()}
    assert asked == {first.name: ["shop/write"], **dict.fromkeys(r.name for r in others)}


def test_stages_are_logged_traced_and_throttled(roots: dict[str, Any]) -> None:
    """Every stage: JSON access log, X-Ray, metrics and limits, without request bodies in logs."""
    stages = 0
    for root in roots.values():
        for stage in root.all("aws_api_gateway_stage").values():
            stages += 1
            assert stage["stage_name"] == "live"
            assert stage["xray_tracing_enabled"] is True
            assert "requestId" in json.loads(stage["access_log_settings"]["format"])
        for limits in root.all("aws_api_gateway_method_settings").values():
            assert limits["settings"]["throttling_rate_limit"] > 0
            assert limits["settings"]["data_trace_enabled"] is False
    assert stages == 2


def test_deployed_anew_exactly_when_the_definition_changes(
    sample: dict[str, Any], sample_manifests: Any, make: Any
) -> None:
    """Another caller changes the deployment's trigger; a longer log retention does not."""
    from dataclasses import replace

    from trunkline_platform.environments import load_environment

    def trigger(roots: dict[str, Any]) -> dict[str, str]:
        (deployment,) = roots["other"].all("aws_api_gateway_deployment").values()
        return dict(deployment["triggers"])

    dev = load_environment("dev")
    same = make(replace(dev, log_retention_days=365), sample_manifests)
    without_caller = tuple(
        manifest.model_copy(
            update={"functions": tuple(f for f in manifest.functions if f.name != "caller")}
        )
        for manifest in sample_manifests
    )

    assert trigger(same) == trigger(sample)
    assert trigger(make(dev, without_caller)) != trigger(sample)


def test_trigger_holds_no_attribute_that_changes_by_itself(roots: dict[str, Any]) -> None:
    """Attributes of resources change with the first refresh, and would deploy again for nothing."""
    for root in roots.values():
        for deployment in root.all("aws_api_gateway_deployment").values():
            assert "${aws_" not in json.dumps(deployment["triggers"])
