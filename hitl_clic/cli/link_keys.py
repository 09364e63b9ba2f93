"""`hitl-clic link-keys`: key pairs for a link between two machines. Main thread; writes only the keys."""

from __future__ import annotations

import sys

from hitl_clic.cli.commands import LinkKeysCommand
from hitl_clic.link.keys import create_keys
from hitl_clic.types.errors import SettingsError


def run(command: LinkKeysCommand) -> int:
    """Make the keys and print which folder belongs to which machine.

    Raises:
        SettingsError: the folder holds keys already, or is no folder.
    """
    folder = command.folder
    try:
        create_keys(folder)
    except (ValueError, FileExistsError, NotADirectoryError) as error:
        raise SettingsError(f"folder = {folder} is not allowed; {error}") from None
    except OSError as error:
        print(f"hitl-clic: the keys cannot be written: {error}", file=sys.stderr)
        return 1
    learner, actor = folder / "learner", folder / "actor"
    print(f"{learner}: for the machine of the learner, with its secret; there: hitl-clic learner --link.keys {learner}")
    print(f"{actor}: for the machine of the robot, with its secret; there: hitl-clic teach --link.keys {actor}")
    print("copy each folder to its machine, for example with scp, and delete all other copies")
    return 0
