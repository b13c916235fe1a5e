"""What the runtime costs, as whole processes and in loops, against peers that do the same work."""
