"""What people give, looked at: the rules of parameters, arrays, sparse rows, interactions."""
