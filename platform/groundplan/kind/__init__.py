"""Kind clusters: ``groundplan:kind:Cluster``, made by Kind's own tool on this machine's Docker."""
