"""Operations on prompts: making, showing, and installing them in Asterisk's formats."""
