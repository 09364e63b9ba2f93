"""What a person sees: the window process, the terminal dashboard, the report."""
