"""Errors of rows, thresholds and the trainings behind them."""
