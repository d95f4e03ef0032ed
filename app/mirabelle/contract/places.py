"""Where this program's own files are, and where its data goes unless somebody says otherwise."""

import os
import sys
from pathlib import Path
from typing import Final

DATA_VARIABLE: Final = "MIRABELLE_DATA"
MAIL_FOLDER: Final = "outbox"  # within the data directory


def assets_directory() -> Path:
    """Fonts, pictures and translations: inside the package where it is installed, beside `app` in the source tree."""
    package = Path(__file__).parents[1]
    installed = package / "assets"
    return installed if installed.is_dir() else package.parents[1] / "assets"


def data_directory() -> Path:
    """This user's data directory, as each platform has it; MIRABELLE_DATA names another."""
    if named := os.environ.get(DATA_VARIABLE):
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Mirabelle"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "Mirabelle"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mirabelle"
