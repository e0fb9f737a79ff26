"""The adapters to Ray, on a real Ray with its token."""
