"""The client side: whatever starts orders, signals events or looks at them. May import activities and workflows."""
