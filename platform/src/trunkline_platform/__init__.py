"""Terraform for every service of Trunkline, generated from the services' manifests.

``trunkline_platform.environments``, ``.settings``, ``.roots`` and ``.errors`` import without cdktn,
so that tools may ask what there is to apply; ``.app`` and ``.synth`` need it.
"""
