"""The engine for code that is not async: the same methods, which wait for their answers."""
