"""Pictures of every page of the program, and the script that takes them."""
