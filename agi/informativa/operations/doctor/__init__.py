"""What is wrong with a live system, and how to mend it: asks Asterisk, the service and the files, and
changes nothing."""
