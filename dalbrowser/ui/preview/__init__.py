"""The preview pane: one widget for each neutral value, and the line that says what it cost."""
