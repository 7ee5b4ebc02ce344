"""PDF files: read as evidence, prepared, numbered and signed. Nothing here judges or fetches."""
