"""Corrections: from the motion of a device to the final label and mask of a pair. Pure numpy.

This package alone decides what a pair teaches. The learner uses the label and the mask as they are.
"""
