"""What peers without a part of their own for it do by hand, in the shortest way that is right."""
