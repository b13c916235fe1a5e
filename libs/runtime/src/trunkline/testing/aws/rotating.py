"""What Secrets Manager does to rotate a secret, on moto, which only knows how to replace values."""

from __future__ import annotations

import uuid

from moto.secretsmanager.models import FakeSecret, secretsmanager_backends

from trunkline import clock
from trunkline.rotation.program import PENDING
from trunkline.testing.events import ACCOUNT, REGION

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def begin_rotation(secret: str) -> str:
    """Make a version for a rotation, without a value; its token."""
    token = str(uuid.uuid4())
    record = secretsmanager_backends[ACCOUNT][REGION].secrets[secret]
    assert isinstance(record, FakeSecret)  # noqa: S101 - it has no replicas
    record.rotation_enabled = record.rotation_requested = True
    record.remove_version_stages_from_old_versions([PENDING])
    record.versions[token] = {
        "createdate": int(clock.now()),
        "version_id": token,
        "version_stages": [PENDING],
    }
    return token
