"""Two tables side by side, whatever databases they are in, and two environments: what stands in one only, what differs.

Nothing here changes anything, and nothing holds a lock that a run waits for.
"""
