"""Tests of the outside sources: the real request of each vendor, signed as the vendor signs."""
