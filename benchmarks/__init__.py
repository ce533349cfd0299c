"""How fast, and how well: measurements, never asserts. `python -m benchmarks` runs the speed table."""
