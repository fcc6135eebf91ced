"""Everything embedded: Temporal's dev server, worker, gateway and demo orders as the children of `orders up`."""
