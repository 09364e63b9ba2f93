"""Scripts that write documentation: `tools.results` writes tables and plots, `tools.screenshots` writes pictures."""
