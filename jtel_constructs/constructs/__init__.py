"""The CDKTF classes that users import. Importing one of its modules starts node."""
