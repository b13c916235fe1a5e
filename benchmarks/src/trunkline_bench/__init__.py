"""What Trunkline costs, measured against peers that do the same work."""
