"""Model 4, `rings`: people who are admitted, buy or settle together more often than chance allows.

The rings are those of the closed months that it was fitted on; scoring compares what their members do with that baseline.
"""

from detectors.anomaly.rings.rings import AT_LINE, NAME, UNITS, Rings, fit, restore

__all__ = ["AT_LINE", "NAME", "UNITS", "Rings", "fit", "restore"]
