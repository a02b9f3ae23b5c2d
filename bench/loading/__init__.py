"""From a dataset plugin and its files to splits in a memory-mapped cache."""
