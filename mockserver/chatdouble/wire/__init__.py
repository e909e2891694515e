"""How endpoints look on the wire: a dialect reads requests and renders replies."""
