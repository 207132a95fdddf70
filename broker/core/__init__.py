"""The rules: values in, values out; no clock, network, database or framework."""
