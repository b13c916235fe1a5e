"""Single AWS resources with what belongs to them: objects that take objects and offer grants."""
