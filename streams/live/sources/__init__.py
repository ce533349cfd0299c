"""Where messages come from without a broker: a folder that is watched, and `POST /events`. Both fill the journal."""
