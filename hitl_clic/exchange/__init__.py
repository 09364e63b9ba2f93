"""Data exchange: recorded sessions to the file formats of other tools, and demonstrations from them."""
