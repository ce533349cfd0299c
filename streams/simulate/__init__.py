"""An invented county, its people and institutions, and a year of their settlement messages.

`simulate(World(...))` gives a small world in memory; `write(World(...), folder)` a large one in files.
Fraud and innocent look-alikes are planted among ordinary life, and the truth is told beside the log.
"""

from streams.simulate.run import Log, simulate, write
from streams.simulate.world import World

__all__ = ["Log", "World", "simulate", "write"]
