"""The side-effect side: decisions committed, rules carried out, records kept. May import workflows, never starter."""
