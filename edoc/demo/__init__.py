"""Two agencies on this machine, end to end, and the real services that the demo and the tests start."""
