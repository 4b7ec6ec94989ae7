"""The list of a folder: columns in memory, their order, the model and the view over them."""
