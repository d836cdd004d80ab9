"""Loads the tables beside this file into pandas data frames.

Run it, or `from load_tables import tables` from this folder: tables["animals"], tables["stats_contrasts"], ...
An empty cell is NaN: it was not measured. Ids and names stay text, also those like NA, null or 10.
"""

from pathlib import Path

import pandas as pd

TEXT = [
    "animal_id", "cage", "slide_id", "group", "block", "tissue", "feature",
    "group_a", "group_b", "contrast", "physiology", "scenario",
]

# From pandas 3 on every number is read to its last digit; before, it must be asked for.
EXACT = {} if int(pd.__version__.split(".")[0]) >= 3 else {"float_precision": "round_trip"}

folder = Path(__file__).resolve().parent
tables = {
    path.stem: pd.read_csv(path, dtype={name: str for name in TEXT}, keep_default_na=False, na_values=[""], **EXACT)
    for path in sorted(folder.glob("*.csv"))
}

if __name__ == "__main__":
    for name, table in tables.items():
        print(f"{name}: {len(table)} rows, {len(table.columns)} columns")
