"""The worker service: hears the bell, runs the node's steps, sweeps up what nobody rang for.

No business rules live here; they are in `edoc.node`.
"""
