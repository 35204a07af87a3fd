"""What the app's version calls the tables and columns that have been, or will be, renamed."""
import os

TABLE = os.environ["TABLE"]
COLUMN = os.environ["COLUMN"]
QUOTED_TABLE = os.environ["QUOTED_TABLE"]
QUOTED_COLUMN = os.environ["QUOTED_COLUMN"]
