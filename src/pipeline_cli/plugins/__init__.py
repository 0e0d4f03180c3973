"""The user's own hooks: what they may be told (specs), how they are found (loading) and called (manager)."""
