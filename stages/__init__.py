"""The package behind ./stage: it knows folders, processes and diffs, never posts or to-dos."""
