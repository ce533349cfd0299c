"""What the anomaly models are worth, and what they cost: figures on simulated counties."""
