"""Forms that visitors fill in: their pass, what they wrote, the page, and what becomes of it."""
