"""Clusters of codes: scikit-learn's clusterers, rules by which rows are assigned, refinement."""
