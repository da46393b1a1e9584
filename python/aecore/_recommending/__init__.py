"""What recommenders have in common, and files of ratings."""
