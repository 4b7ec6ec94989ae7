"""The Qt-free half of previews."""
