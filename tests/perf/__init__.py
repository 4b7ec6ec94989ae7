"""Benchmarks: scripts that compare this program with others, never tests of the suite.

Invariant: a figure is a ratio to a peer on the same server, with the same data, in the
same run; each contender runs in a process of its own, in turns with the others, and the
median of its turns counts.
"""
