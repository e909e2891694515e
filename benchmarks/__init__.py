"""What chatdouble costs, measured: ``python benchmarks/run.py``."""
