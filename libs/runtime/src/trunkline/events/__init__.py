"""Events and tasks on their way."""
