"""CLIC-Chunks: energies, losses, training and planning. Pure numpy and torch: no I/O, no threads, no processes.

In all docstrings, [CC] is the CLIC-Chunks paper (Saravanan, Li, Kober) and [CL] is the CLIC paper (Li et al., arXiv
2502.07645). "The public CLIC code" is the code published with [CL]. Shapes: B states, S chunks for each state, D = H *
dim_a numbers in a flattened chunk. Actions lie in [-1, 1]; "action units" are these.
"""
