"""FastAPI behind Mangum."""
