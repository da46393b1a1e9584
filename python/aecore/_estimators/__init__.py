"""The bases of the estimators, and how they read rows."""
