"""
Four imitated platforms that differ in what an erasure means to them.

``platforms`` has the connectors, the only part that the product imports. ``server`` is the
other side: a process of its own, the standard library only, nothing of the product.
"""
