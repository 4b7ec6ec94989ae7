"""From a service to a local file: ranges of one version, proven before they get the name."""
