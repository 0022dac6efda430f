"""Comparing two models on the same rows: the ``compare`` verb."""
