"""The dashboard: a page, and an HTTP API, in front of a gRPC server. Nothing is stored here."""
