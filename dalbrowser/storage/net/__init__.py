"""The only place that opens a socket: the HTTP client, signing, header dates, XML."""
