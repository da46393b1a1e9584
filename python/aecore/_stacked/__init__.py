"""Networks made of others."""
