"""The national document axis: what its SDK sends, and our client of it."""
