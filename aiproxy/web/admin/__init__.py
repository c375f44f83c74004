"""The admin pages, one module per page; each page has a JSON twin."""
