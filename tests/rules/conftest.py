"""How Hypothesis runs here: the same examples every time, and no deadline, since a busy machine is not a fault."""

from hypothesis import settings

settings.register_profile("mirabelle", deadline=None, derandomize=True, database=None)
settings.load_profile("mirabelle")
