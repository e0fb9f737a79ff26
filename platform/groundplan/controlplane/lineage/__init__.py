"""The control plane's events as OpenLineage: kept for Marquez's API, and sent to a Marquez where one is declared."""
