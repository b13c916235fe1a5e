"""The gaps that are filled, in the order in which they are installed. This is the only list."""

from __future__ import annotations

from typing import Protocol

from trunkline_localcloud.gaps import (
    alarm_definitions,
    alarm_evaluation,
    alias_routing,
    api_claims,
    api_function_errors,
    api_integrations,
    api_metrics,
    api_permissions,
    api_stages,
    api_token_use,
    authorization_actions,
    authorization_conditions,
    authorization_resources,
    cloudtrail_tags,
    event_deliveries,
    execute_api,
    execution_roles,
    flow_logs,
    function_processes,
    invocation_ids,
    kinesis_tags,
    kms_through_services,
    known_caller,
    lambda_metrics,
    log_metrics,
    message_move,
    metric_retention,
    notification_deliveries,
    policy_principals,
    policy_variables,
    principal_keys,
    queue_mappings,
    queue_metrics,
    root_keys,
    schedule_pace,
    secret_rotation,
    secure_transport,
    security_group_prefix_lists,
    ses_identities,
    source_vpce,
    stream_mappings,
    stream_state,
    vpc_endpoints,
)
from trunkline_localcloud.settings import CloudSettings

__all__ = ["GAPS", "Gap", "install_gaps"]


class Gap(Protocol):
    """A gap module."""

    def install(self, settings: CloudSettings, /) -> None:
        """Patch MiniStack, which is imported but not yet started."""


GAPS: tuple[Gap, ...] = (
    known_caller,
    authorization_actions,
    kms_through_services,
    authorization_conditions,
    authorization_resources,
    policy_variables,
    root_keys,
    source_vpce,
    principal_keys,
    execute_api,
    execution_roles,
    function_processes,
    lambda_metrics,  # before alias_routing, which says which version runs
    alias_routing,
    queue_mappings,
    stream_mappings,
    stream_state,
    alarm_evaluation,
    alarm_definitions,
    api_claims,
    api_function_errors,
    api_integrations,
    api_metrics,
    api_permissions,
    api_stages,
    api_token_use,
    cloudtrail_tags,
    event_deliveries,
    flow_logs,
    invocation_ids,
    kinesis_tags,
    log_metrics,
    message_move,
    metric_retention,
    notification_deliveries,
    policy_principals,
    queue_metrics,
    schedule_pace,
    secret_rotation,
    secure_transport,
    security_group_prefix_lists,
    ses_identities,
    vpc_endpoints,
)


def install_gaps(settings: CloudSettings) -> None:
    """Install every gap once.

    Raises:
        GapMoved: a gap no longer fits the installed MiniStack.
    """
    for gap in GAPS:
        gap.install(settings)
