"""What somebody who helps from afar needs to see, and nothing of a caller or a secret in it."""
