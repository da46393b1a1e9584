"""What a network is made of, and how its parameters start."""
