"""What a service on Trunkline imports."""
