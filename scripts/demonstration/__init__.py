"""The demo's inside: programs to start, a stage to put them on, a small browser, the path to walk."""
