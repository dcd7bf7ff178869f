"""The methods of the HTTP API, a file for each resource."""
