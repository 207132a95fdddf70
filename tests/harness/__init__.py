"""What the tests stand on: a PostgreSQL of their own, running programs, a person, a business."""
