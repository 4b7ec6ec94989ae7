"""Layers: each wraps an accessor into an accessor, and none knows which service is beneath.

Always on, innermost first: error context, complete, correctness. The others are chosen; the
order that works is timeout inside retry, and everything else around those two.
"""
