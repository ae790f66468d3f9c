"""The deployable app: one Terraform stack for each environment file."""
