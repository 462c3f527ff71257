"""The main job in one command: strategies on the embedded exchange, while the line is cut on purpose.

``python3 scripts/demo.py`` needs nothing but Python with pip and a network: it makes ``.venv`` beside this folder's
parent if that is absent, installs what ``scripts/locks/core.txt`` pins, and runs the demo inside. Arguments are handed
on; ``--help`` lists them. Only syntax that very old Pythons can read stands here, so that they can say why they refuse.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit("gapless needs Python 3.11 or newer; this is %d.%d: start it with a newer one." % sys.version_info[:2])

import bootstrap  # written for Python 3.11, so only after the check above

if __name__ == "__main__":
    bootstrap.start(lock="core", arguments=["-m", "engine.app.demo"] + sys.argv[1:])
