"""Syncs, from the listings to the last deletion."""
