"""One way: a target is made equal to a source, by the transfer engine and its journal.

Two ordered listings are gone through side by side (``merge``), each key is decided by
``rules``, and what is to be done is written to a plan on disk (``planfile``) before anything is
done. Copies are the engine's jobs; deletions come after all of them. Invariant: nothing is
written over or deleted that is not, at that moment, what was compared.
"""
