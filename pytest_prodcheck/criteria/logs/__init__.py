"""What logs say: parsers of lines, a fold over any number of them, and what it found judged; pure."""
