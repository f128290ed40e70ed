"""Lesson 05, Saddle points: what its notebook needs beyond the library."""
