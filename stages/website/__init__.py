"""The notes, the code and every comparison of stages as a site that needs no network."""
