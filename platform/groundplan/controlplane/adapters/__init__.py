"""One client each: Feast, MLflow, Ray, objects. None knows another."""
