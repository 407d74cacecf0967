"""Fuzzers, guided by coverage: see README.md here."""
