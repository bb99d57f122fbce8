"""The machine: files, time limits, threads and processes."""
