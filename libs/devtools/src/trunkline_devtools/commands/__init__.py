"""One module per command: ``configure`` declares its options, ``run`` does it."""
