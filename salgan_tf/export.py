"""`python -m salgan_tf.export` is `python -m salgan_tf export`.

Only for the command line: the function is `salgan_tf.export`, and its code is in `salgan_tf.exporting`.
"""

import sys

from salgan_tf.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
