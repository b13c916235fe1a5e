"""What all tests share: the fixtures of the runtime's test kit; pytest's own, to test those."""

pytest_plugins = ["trunkline.pytest_plugin", "pytester"]
