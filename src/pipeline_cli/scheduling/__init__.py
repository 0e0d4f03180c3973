"""What runs pipelines by their schedules, shows the next slots, and writes them for other schedulers."""
