"""How targets are asked: the only code that talks to the outside."""
