"""From a Plan and rows to a trained network."""
