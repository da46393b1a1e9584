"""Programs to start from; a package, so that the benchmarks can import `examples.idx`."""
