"""A stand-in of Azure Resource Manager on this machine, for Terraform with the real azurerm provider."""
