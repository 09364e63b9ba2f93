"""What a user would pick instead of the method, learnt from the same pairs by the same trainer.

Pure torch: no I/O, no threads, no processes. All of them take the human's chunk as the one right answer. A relative
correction, which says only "rather this way", they can do no better with: its chunk a^r + e h is to them a wanted one.
"""
