"""Everything in motion: the wire, sources and sinks, lake and imports, the drivers of the kernel, the command line."""
