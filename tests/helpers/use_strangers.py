"""Use installed plugins by one process, as a user would by many: check them, learn, store, predict, compare.

python tests/helpers/use_strangers.py FOLDER PLUGIN ...

In the folder is `suite.yaml`, and there comes what commands write.
"""

import os
import sys
from pathlib import Path

from padimkit.cli.main import main


def use(folder, plugins):
    os.chdir(folder)
    commands = [["plugins", "list"], *(["plugins", "check", name] for name in plugins)]
    commands += [
        ["fit", "strange-ring", "--data=dots", "--output=model"],
        ["evaluate", "model", "--data=dots", "--metrics=[precision_at_n]", "--output=result.json"],
        ["benchmark", "suite.yaml", "--output=records"],
        ["report", "records", "--format=markdown"],
    ]
    for words in commands:
        run(words)
    run(["benchmark", f"--record={min(Path('records').glob('[0-9a-f]*.json'))}"])


def run(words):
    print("$ padimkit", *words, flush=True)
    if status := main(words):
        sys.exit(f"padimkit {' '.join(words)} ended with {status}")


if __name__ == "__main__":
    use(sys.argv[1], sys.argv[2:])
