"""What keeps a run together: its record, its signals, and who is told what."""
