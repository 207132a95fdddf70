"""The verbs: one file per thing the broker does, each inside the one transaction it is handed."""
