"""The sound of the notices: making it, showing what is there, and laying it out in Asterisk's formats."""
