"""Show what the core decided: reports as text and as HTML."""
