"""The Ray Serve application: four tiers that answer for exactly one pair version a request.

Ships alone into Ray: imports neither the deployer's side nor the control plane.
"""
