#!/usr/bin/env python3
"""Writes the tables of examples/treasury as other programs write Parquet: the corpus of the reader's tests.

Needs pyarrow, polars, duckdb and pandas; the files are in the repository, so that nobody has to run this.
The files in `sound` say what the CSV files say; those in `faulty` cannot stand, each for the reason in its name.
"""
import csv
import datetime
import decimal
import pathlib

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "crates/plimsoll-io/corpus/parquet"


def table(name):
    rows = list(csv.DictReader(open(ROOT / f"examples/treasury/{name}.csv")))
    return {column: [row[column] or None for row in rows] for column in rows[0]}


def arrow(columns, **types):
    fields = [(name, types.get(name, pa.string())) for name in columns]
    return pa.table({name: pa.array(columns[name], kind) for name, kind in fields}, pa.schema(fields))


def write(name, columns, types=None, **options):
    path = OUT / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(arrow(columns, **(types or {})), path, **options)


def main():
    positions, feeds = table("positions"), table("feeds")
    quantities = [decimal.Decimal(quantity) for quantity in positions["quantity"]]
    as_decimals = {**positions, "quantity": quantities}

    write("sound/positions-pyarrow", positions)
    write("sound/positions-v2-zstd", positions, compression="zstd", data_page_version="2.0", row_group_size=3)
    write("sound/positions-plain", positions, use_dictionary=False, compression="none", write_statistics=False)
    write("sound/positions-checksums", positions, write_page_checksum=True, write_page_index=True)
    dictionary = pa.dictionary(pa.int8(), pa.string())
    write("sound/positions-dictionary", positions, {name: dictionary for name in ("market", "kind", "unit")})
    write("sound/positions-decimal128", as_decimals, {"quantity": pa.decimal128(38, 18)})
    write("sound/positions-decimal256", as_decimals, {"quantity": pa.decimal256(76, 30)})
    flags = {**positions, "as_collateral": [{"yes": True, "no": False}.get(x) for x in positions["as_collateral"]]}
    write("sound/positions-flags", flags, {"as_collateral": pa.bool_()})
    polars.DataFrame(positions).write_parquet(OUT / "sound/positions-polars.parquet")
    pandas.DataFrame(positions).to_parquet(OUT / "sound/positions-pandas.parquet")
    source = ROOT / "examples/treasury/positions.csv"
    duckdb.sql(f"copy (from read_csv('{source}', all_varchar=true)) to '{OUT}/sound/positions-duckdb.parquet'")

    times = [datetime.datetime.fromisoformat(time) for time in feeds["observed_at"]]
    ages = [int(age[:-1]) * 3600 for age in feeds["max_age"]]
    typed = {**feeds, "observed_at": times, "max_age": ages}
    write("sound/feeds-pyarrow", feeds)
    stamp = pa.timestamp("us", "UTC")
    write("sound/feeds-typed", typed, {"observed_at": stamp, "max_age": pa.uint32()})
    prices = {**typed, "price": [decimal.Decimal(price) for price in feeds["price"]]}
    write("sound/feeds-decimal", prices, {"price": pa.decimal128(24, 18), "observed_at": stamp, "max_age": pa.int64()})

    floats = {**positions, "quantity": [float(quantity) for quantity in quantities]}
    floats["quantity"][1] = float("nan")
    write("faulty/float-and-nan", floats, {"quantity": pa.float64()})
    write("faulty/gzip", positions, compression="gzip")
    write("faulty/brotli", positions, compression="brotli")
    write("faulty/deltas-of-texts", positions, use_dictionary=False, column_encoding="DELTA_BYTE_ARRAY")
    write("faulty/deltas-of-lengths", positions, use_dictionary=False, column_encoding="DELTA_LENGTH_BYTE_ARRAY")
    write("faulty/bytes", {**positions, "account": [x.encode() for x in positions["account"]]}, {"account": pa.binary()})
    write("faulty/nested", {**positions, "mode": [[x] for x in positions["mode"]]}, {"mode": pa.list_(pa.string())})
    write("faulty/missing-cell", {**positions, "quantity": positions["quantity"][:6] + [None] + positions["quantity"][7:]})
    write("faulty/no-unit", {name: cells for name, cells in positions.items() if name != "unit"})
    write("faulty/mistyped-column", {("quantitiy" if name == "quantity" else name): cells for name, cells in positions.items()})
    indexed = pandas.DataFrame(positions, index=[f"row {n}" for n in range(len(quantities))])
    indexed.to_parquet(OUT / "faulty/pandas-index.parquet")
    naive = {**feeds, "observed_at": [time.replace(tzinfo=None) for time in times]}
    write("faulty/feeds-without-zone", naive, {"observed_at": pa.timestamp("us")})
    split = {**feeds, "observed_at": [time.replace(microsecond=500_000) for time in times]}
    write("faulty/feeds-split-seconds", split, {"observed_at": pa.timestamp("us", "UTC")})
    whole = (OUT / "sound/positions-pyarrow.parquet").read_bytes()
    (OUT / "faulty/cut.parquet").write_bytes(whole[: len(whole) // 2])
    (OUT / "faulty/not-parquet.parquet").write_bytes((ROOT / "examples/treasury/positions.csv").read_bytes())


main()
