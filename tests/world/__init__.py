"""A whole deployment for tests: simulators, database, configuration, workers."""
