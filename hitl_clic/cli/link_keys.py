"""`app.py keys`: key pairs for a link between machines. Main thread; writes files and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

from hitl_clic.link.keys import create_keys
from hitl_clic.types.errors import SettingsError


def run(folder: Path) -> int:
    """Make the keys and say where they belong; the exit status.

    Raises:
        SettingsError: the folder holds keys already, or is no folder.
    """
    try:
        create_keys(folder)
    except (ValueError, FileExistsError, NotADirectoryError) as error:
        raise SettingsError(f"folder = {folder} is not allowed; {error}") from None
    except OSError as error:
        print(f"app.py: the keys cannot be written: {error}", file=sys.stderr)
        return 1
    print(f"keys made in {folder}; set link.keys to their folder on both machines")
    print("the learner needs learner.key, learner.key_secret and actor.key")
    print("the actor needs actor.key, actor.key_secret and learner.key")
    return 0
