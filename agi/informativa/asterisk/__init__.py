"""The two ways in: FastAGI (one service for all calls) and the classic script (one process a call)."""
