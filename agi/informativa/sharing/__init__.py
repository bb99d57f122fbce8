"""Many boxes: what each told its callers, brought together in a PostgreSQL of the installation's own."""
