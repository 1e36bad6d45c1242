"""Where the tools' own modules are found."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
TOOLS = os.path.join(ROOT, "tools", "train_shapes")
sys.path.insert(0, TOOLS)
