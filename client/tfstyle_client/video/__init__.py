"""Moving pictures: reading and writing them, their motion, and the chain of jobs that paints their frames.

Everything in here but `extra.py` needs the extra `video`: PyAV, OpenCV and NumPy.
"""
