"""One extension module, from caller.pyx."""

from __future__ import annotations

from Cython.Build import cythonize
from setuptools import setup

setup(ext_modules=cythonize("caller.pyx"))
