"""The lab: orders on a virtual clock, by the very engine, decisions and rules that run in production."""
