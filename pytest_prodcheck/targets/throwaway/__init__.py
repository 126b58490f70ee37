"""Throwaway containers: started for one run, and gone afterwards, whatever becomes of it."""
