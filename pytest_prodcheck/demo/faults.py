"""placeholder"""
FAULTS = {}
