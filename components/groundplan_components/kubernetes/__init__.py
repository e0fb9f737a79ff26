"""The targets ``kind`` and ``kubernetes``: every part as objects in a cluster. Imported only when one is deployed."""
