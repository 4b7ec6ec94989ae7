"""Folder jobs: expanded step by step into the files that they hold."""
