"""Many trainings side by side, and the machine that they run on."""
