"""How the hub's tables came to their present shape."""
