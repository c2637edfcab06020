"""One small table in the files that other programs make of it, for test/io/tables.test.ts.

    python scripts/golden/tables.py

Made with pandas 3.1.1, pyarrow 26.0.1, polars 2.1.0, duckdb 2.0.1, datasets 5.2.0, numpy of pandas.
"""

import datetime as dt
import json
import os
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path

os.environ["HF_DATASETS_OFFLINE"] = "1"
import datasets
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq

OUT = Path(__file__).parents[2] / "test" / "fixtures" / "golden" / "tables"
N = 6
ROWS = {
    "example_id": [f"e{i}" for i in range(N)],
    "question_id": [1, 1, 1, 2, 2, 2],
    "participant_id": [9007199254740993 + i for i in range(N)],
    "options": [["Not at all", "Very much"]] * N,
    "ordered": [True] * N,
    "answer": [0, 1, None, 1, 0, 1],
    "target": [[0.5, 0.5]] * N,
    "probabilities": [[0.25, 0.75], [0.5, 0.5], [1.0, 0.0], [0.125, 0.875], [0.75, 0.25], [0.0, 1.0]],
    "weight": [1.0, 2.0, 0.5, 1.0, 1.0, 3.0],
    "country": ["Japan", "NA", "None", None, "Côte d'Ivoire", "Japan"],
    "age": [25.0, 30.0, None, 41.0, 25.0, 30.0],
    "urban": [True, False, True, True, False, False],
    "born": [dt.date(2000, 1, 31)] * 3 + [dt.date(1969, 12, 31)] * 3,
    "asked": [dt.datetime(2020, 2, 29, 12, 30, 15, 250000)] * 3 + [dt.datetime(1969, 12, 31, 23, 59, 59)] * 3,
    "income": [Decimal("1.5"), Decimal("2.5"), Decimal("-0.5"), Decimal("1.5"), Decimal("2.5"), Decimal("10.5")],
    "share": np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.3], dtype=np.float32).tolist(),
}
SCHEMA = pa.schema(
    [
        ("example_id", pa.string()),
        ("question_id", pa.int64()),
        ("participant_id", pa.int64()),
        ("options", pa.list_(pa.string())),
        ("ordered", pa.bool_()),
        ("answer", pa.int64()),
        ("target", pa.list_(pa.float64())),
        ("probabilities", pa.list_(pa.float64())),
        ("weight", pa.float64()),
        ("country", pa.dictionary(pa.int8(), pa.string())),
        ("age", pa.float64()),
        ("urban", pa.bool_()),
        ("born", pa.date32()),
        ("asked", pa.timestamp("us")),
        ("income", pa.decimal128(4, 1)),
        ("share", pa.float32()),
    ]
)
TABLE = pa.table(ROWS, schema=SCHEMA)


def path(name):
    return str(OUT / name)


def reprs(column):
    return [None if value is None else str(np.array(value)) for value in column]


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)

    pq.write_table(TABLE, path("pyarrow.parquet"))
    pa.feather.write_feather(TABLE, path("pyarrow-plain.feather"), compression="uncompressed")
    pa.feather.write_feather(TABLE, path("pyarrow-lz4.feather"), compression="lz4")
    pa.feather.write_feather(TABLE, path("pyarrow-zstd.feather"), compression="zstd")
    with pa.ipc.new_stream(path("pyarrow.arrows"), TABLE.schema) as writer:
        writer.write_table(TABLE.slice(0, 2))
        writer.write_table(TABLE.slice(2))

    frame = TABLE.to_pandas()
    frame.to_csv(path("pandas.csv"))
    frame.to_csv(path("pandas-european.csv"), sep=";", index=False, lineterminator="\r\n")
    lists = {name: frame[name].map(list) for name in ["options", "target", "probabilities"]}
    plain = frame.assign(**lists, income=frame["income"].astype(float))
    plain.to_csv(path("pandas-lists.csv.gz"), compression={"method": "gzip", "mtime": 1}, index=False)
    numpy2 = plain.assign(probabilities=[[np.float64(p) for p in row] for row in ROWS["probabilities"]])
    numpy2.assign(target=[repr(np.array(row)) for row in ROWS["target"]]).to_csv(path("numpy2.csv"), index=False)
    frame.to_parquet(path("pandas.parquet"), index=True)
    frame.set_index("example_id", append=True).reset_index().to_parquet(path("pandas-index.parquet"))
    texts = frame.assign(born=frame["born"].astype(str), asked=frame["asked"].astype(str), income=plain["income"])
    # pandas writes numbers as floats of their own digits, and large ones are not safe in JSON: participants are texts.
    texts = texts.assign(participant_id=texts["participant_id"].astype(str), share=texts["share"].astype(str))
    texts.to_json(path("pandas-records.json"), orient="records")
    texts.to_json(path("pandas-lines.jsonl"), orient="records", lines=True)

    polars = pl.from_arrow(TABLE)
    polars.write_parquet(path("polars.parquet"))
    polars.write_ipc(path("polars.arrow"))
    polars.write_ipc(path("polars-zstd.arrow"), compression="zstd")
    polars.with_columns(pl.col("participant_id").cast(str)).write_ndjson(path("polars.ndjson"))

    duck = duckdb.connect()
    duck.register("t", TABLE)
    duck.execute(f"copy t to '{path('duckdb.parquet')}' (format parquet)")
    duck.execute(f"copy t to '{path('duckdb.csv')}' (format csv)")
    duck.execute(f"copy t to '{path('duckdb.tsv')}' (format csv, delimiter '\t')")
    # DuckDB gives JSON all digits that a 32-bit number has in 64 bits.
    duck.execute(f"copy (select * replace (participant_id::varchar as participant_id, share::varchar::double as share) from t) to '{path('duckdb.jsonl')}' (format json)")

    data = datasets.Dataset(TABLE)
    data.to_parquet(path("datasets.parquet"))
    with tempfile.TemporaryDirectory() as folder:
        data.save_to_disk(folder)
        shutil.copy(next(Path(folder).glob("*.arrow")), path("datasets.arrow"))

    opinions()


OPINIONS = [
    ("Is family important?", {"Japan": [0.5, 0.25, 0.25], "Kenya": [0.75, 0.25, 0.0]}, ["Very", "Rather", "Not at all"]),
    ("Tea or coffee?", {"Japan": [0.5, 0.5]}, ["Tea", "Coffee"]),
]


def opinions():
    """GlobalOpinionQA's hub table and what becomes of it."""
    hub = pd.DataFrame(
        [(q, f"defaultdict(<class 'list'>, {s})", str(o)) for q, s, o in OPINIONS],
        columns=["question", "selections", "options"],
    )
    hub.to_csv(path("goqa-hub.csv"), index=False)
    hub.to_csv(path("goqa-pandas.csv"))
    hub.to_json(path("goqa-lines.jsonl"), orient="records", lines=True)
    hub.to_json(path("goqa-records.json"), orient="records")
    pl.from_pandas(hub).write_parquet(path("goqa-polars.parquet"))
    real = {"question": [q for q, _, _ in OPINIONS], "selections": [s for _, s, _ in OPINIONS], "options": [o for _, _, o in OPINIONS]}
    data = datasets.Dataset.from_dict(real)
    data.to_json(path("goqa-struct.jsonl"))
    data.to_parquet(path("goqa-struct.parquet"))
    maps = pa.table(
        {
            "question": real["question"],
            "selections": pa.array([list(s.items()) for s in real["selections"]], pa.map_(pa.string(), pa.list_(pa.float64()))),
            "options": real["options"],
        }
    )
    pq.write_table(maps, path("goqa-map.parquet"))
    duck = duckdb.connect()
    duck.register("t", maps)
    duck.execute(f"copy t to '{path('goqa-duckdb.csv')}' (format csv)")
    arrays = [(q, str({c: np.array(v) for c, v in s.items()}), str(np.array(o, dtype=object))) for q, s, o in OPINIONS]
    pd.DataFrame(arrays, columns=hub.columns).to_csv(path("goqa-numpy.csv"), index=False)
    flat = [
        {"country": c, "question": q, "options": o, "distribution": v} for q, s, o in OPINIONS for c, v in s.items()
    ]
    pd.DataFrame(flat).to_json(path("goqa-flat.jsonl"), orient="records", lines=True)
    pl.DataFrame(flat).write_ipc(path("goqa-flat.arrow"))


if __name__ == "__main__":
    main()
