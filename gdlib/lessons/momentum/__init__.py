"""Lesson 04, Momentum: what its notebook needs beyond the library."""
