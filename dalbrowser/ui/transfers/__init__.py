"""The transfers panel: every job as a row, with its state in a word and its next action."""
