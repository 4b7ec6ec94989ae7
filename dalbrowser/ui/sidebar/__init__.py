"""The sidebar: connections, their buckets and folders, opened level by level."""
