"""Everything that has to hold before a change is good, in one command; CI runs this and nothing else.

``python3 scripts/check.py`` brings ``.venv`` to what ``scripts/locks/dev.txt`` pins and runs ``scripts/steps.py``
inside; ``--only NAME`` runs one step, ``--help`` lists them. Only syntax that very old Pythons can read stands here,
so that they can say why they refuse.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit("gapless needs Python 3.11 or newer; this is %d.%d: start it with a newer one." % sys.version_info[:2])

import bootstrap  # written for Python 3.11, so only after the check above

if __name__ == "__main__":
    bootstrap.start(lock="dev", arguments=[str(bootstrap.ROOT / "scripts" / "steps.py")] + sys.argv[1:])
