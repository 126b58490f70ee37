"""The containers of a compose project against the files that they were made from; pure."""
