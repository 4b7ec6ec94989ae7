"""The kinds of preview that come with the program, one module each, found by entry point."""
