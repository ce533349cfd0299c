"""Anomaly models: who is unlike their peers, by how much, and why. They accuse nobody; they say where to look first.

Features are SQL files over the ledger, models are plain arrays with a hash, scores are one table for all of them.
"""
