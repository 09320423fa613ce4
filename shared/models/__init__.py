"""The networks, and how an input becomes what they read."""
