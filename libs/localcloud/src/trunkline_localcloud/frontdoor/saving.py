"""Saving the state of every emulated service while the cloud runs on."""

from __future__ import annotations

__all__ = ["save"]


def save() -> None:
    """Write what a graceful end would write, so that a later hard end loses only what is newer."""
    from ministack.app import _build_persistence_save_dict
    from ministack.core.persistence import save_all

    save_all(_build_persistence_save_dict())
