"""Where answers come from: each source is asked in turn until one has an answer."""
