"""Written by clients/python/generate from proto/. Do not edit."""
