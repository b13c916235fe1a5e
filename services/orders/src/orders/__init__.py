"""Takes orders and sees them through to confirmed or cancelled."""
