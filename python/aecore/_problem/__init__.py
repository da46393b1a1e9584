"""The Plan: what a training is asked to do, resolved and checked."""
