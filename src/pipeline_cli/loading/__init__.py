"""What `load` is made of: opening dlt, recovering, the resources and their gates, accounting."""
