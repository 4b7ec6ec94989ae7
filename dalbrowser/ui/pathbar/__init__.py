"""Where one is: the parts of the path as buttons, or the whole of it as text."""
