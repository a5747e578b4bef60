"""Suite `classic`: the five tasks of *Neural Turing Machines* (Graves et al. 2014, arXiv 1410.5401)."""
