"""Words that are names, and so the same in every language."""

NAMES = frozenset(
    "amina sami café lumière deux rives hammam noor atelier mimosa mirabelle gold silver bronze english français inter "
    "noto sans arabic ofl fluent emoji mit apache".split()
)
