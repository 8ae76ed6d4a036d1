"""The small package behind the workshop's notebooks. Importing it does nothing else."""
