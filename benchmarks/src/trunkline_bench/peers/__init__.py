"""Applications that do the same work; each runs in processes of its own."""
