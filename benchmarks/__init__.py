"""The figures of ``docs/measures.md``, as ratios taken in one run: ``python -m benchmarks``."""
