"""What a person can do or ask: values in, frozen results out. Nothing is printed here."""
