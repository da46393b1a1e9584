"""Tables in files: one way in and one way out, for the command line, ratings and examples."""
