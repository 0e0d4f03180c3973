"""Where each column comes from: source field, bronze, silver, gold, block of a report."""
