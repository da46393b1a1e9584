"""The container of model files, and the values in it."""
