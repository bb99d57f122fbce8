"""Many boxes: the deliveries of each, brought together in a PostgreSQL of the installation's own."""
