"""Lesson 07: its exercises and predictions."""
