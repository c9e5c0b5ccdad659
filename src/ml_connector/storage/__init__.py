"""The database: engine, migrations, partitions, commit groups, and the embedded server."""
