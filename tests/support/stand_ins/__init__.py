"""Servers that stand in for outside vendors, over real HTTP and with real signatures."""
