"""From one place on services to another: by the server where it can, else through here."""
