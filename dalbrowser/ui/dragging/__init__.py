"""Drag and drop and what they carry: read, judged, said, carried out; and dragged out."""
