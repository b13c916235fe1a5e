"""What one environment is made with: everything in which environments may differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = [
    "AlarmSettings",
    "ApiSettings",
    "EnvironmentSettings",
    "LocalState",
    "NetworkSettings",
    "RemoteState",
    "StateSettings",
]


@dataclass(frozen=True, kw_only=True)
class LocalState:
    """Terraform state in files beside the clone's other local data."""

    directory: str
    """Relative to a root's folder, so that the JSON is the same in every clone."""


@dataclass(frozen=True, kw_only=True)
class RemoteState:
    """Terraform state in S3, locked by S3 itself (Terraform 1.11's ``use_lockfile``)."""

    bucket: str


StateSettings = LocalState | RemoteState


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """The environment's VPC."""

    cidr: str
    """The VPC's IPv4 range, a /16; subnets are cut from it."""

    zones: tuple[str, ...] = ("a", "b")
    """Suffixes of the region's availability zones to spread over, two or more."""

    endpoint_zones: int = 2
    """In how many of the zones the interface endpoints are; each costs per hour."""

    nat_per_zone: bool = False
    """One NAT gateway per zone instead of one in all; only where a service declares egress."""


@dataclass(frozen=True, kw_only=True)
class AlarmSettings:
    """When the alarms of every service go off."""

    queue_age_seconds: int = 300
    """How old the oldest waiting message may become."""

    period_seconds: int = 60
    """Length of the interval that is judged; a multiple of 60 for AWS's own metrics."""


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """Limits of each API's stage."""

    requests_per_second: int = 200
    """Steady rate above which requests are answered with 429."""

    burst: int = 400
    """Requests that may come at once."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentSettings:
    """One environment. Every field beyond the identity has a default meant for production."""

    name: str
    """Part of every physical name, for example ``dev``."""

    account_id: str
    """The AWS account; Terraform refuses to touch any other."""

    region: str

    owner: str
    """Who answers for the environment; a tag of every resource."""

    state: StateSettings

    network: NetworkSettings

    emulated: bool = False
    """The provider talks to an emulator: path-style S3 addresses, no checks against AWS itself."""

    keep_data: bool = True
    """Tables, keys, buckets and users outlive a mistaken ``destroy``: deletion protection,
    point-in-time recovery and the longest waiting periods."""

    log_retention_days: int = 90
    """One of the values that CloudWatch Logs accepts."""

    artifact_expiry_days: int | None = 90
    """When superseded versions of bundles are deleted; ``None`` keeps them."""

    payload_expiry_days: int | None = 30
    """When the data of a large message is deleted, whoever refers to it; more than the eighteen
    days that a message may wait in a queue and its dead-letter queue. ``None`` keeps it."""

    password_sign_in: bool = False
    """Whether applications may send a customer's password (``USER_PASSWORD_AUTH``). The secure
    remote password protocol is always possible."""

    self_sign_up: bool = False
    """Whether customers may register themselves; administrators can always create users."""

    queue_visibility_factor: int = 6
    """Visibility timeout of a queue as a multiple of its function's timeout; AWS advises six
    (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html)."""

    alarms: AlarmSettings = field(default_factory=AlarmSettings)

    api: ApiSettings = field(default_factory=ApiSettings)

    reserved_concurrency: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Concurrency set aside, by ``<service>/<function>``; the others share the account's."""

    service_settings: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """Values of the settings that services declare, by service and setting."""

    def availability_zones(self) -> tuple[str, ...]:
        """The full names of the zones, for example ``eu-central-1a``."""
        return tuple(f"{self.region}{zone}" for zone in self.network.zones)
