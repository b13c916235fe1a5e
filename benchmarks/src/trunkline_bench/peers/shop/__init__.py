"""The shop's own logic, the same for every peer but ours, which has its own in services/."""
