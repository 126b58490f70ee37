"""What came back from the targets, as plain data, and the way it travels from the owner to the workers."""
