"""The local side: names, temporary files, folders, and the threads that work on the disk."""
