"""Measures tidemill's echo servers beside a hand-written one and the peers; bench.py drives it."""
