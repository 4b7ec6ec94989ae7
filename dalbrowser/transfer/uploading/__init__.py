"""From here to a service: in one request or in parts, resumed, adopted, given up."""
