"""The checks of a live system, with what mends each fault. They ask Asterisk, the service and the files, and
change nothing."""
