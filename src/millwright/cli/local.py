"""What commands on this machine need: the settings in force and the data folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from millwright.app.folder import DataFolder
from millwright.app.sections import ProcessSettings, folder_of, load_sections
from millwright.cli.main import Options

if TYPE_CHECKING:
    from millwright.app.settings import NodeSettings


def load_settings(options: Options) -> NodeSettings:
    """Every setting, with ``--data`` on top; imports every domain."""
    from millwright.app.settings import load

    return load(options.config, environment(options))


def process_settings(options: Options) -> ProcessSettings:
    """The sections a process needs whatever its role, with ``--data`` on top."""
    return load_sections(ProcessSettings, options.config, environment(options))


def data_folder(options: Options) -> DataFolder:
    """The data folder of the settings in force."""
    return folder_of(process_settings(options))


def environment(options: Options) -> dict[str, str]:
    """This environment, with what the options say on top."""
    environ = dict(os.environ)
    if options.data is not None:
        environ["MILLWRIGHT_NODE_DATA"] = str(options.data)
    return environ
