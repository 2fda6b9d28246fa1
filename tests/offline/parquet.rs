//! Parquet comes back bit for bit, and others read what is in it.

use std::fs;
use std::path::PathBuf;

use tempfile::{TempDir, tempdir};

use super::*;
use crate::common::python;

fn to_parquet(home: &Home) -> (TempDir, Vec<PathBuf>) {
    let dir = tempdir().expect("a directory");
    let out = dir.path().join("days");
    export(&home.data(), &["--format", "parquet", "--output", out.to_str().expect("UTF-8")]);
    let mut files: Vec<PathBuf> =
        fs::read_dir(&out).expect("a directory").flatten().map(|file| file.path()).collect();
    files.sort();
    (dir, files)
}

fn names(files: &[PathBuf]) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    files.iter().map(name).collect()
}

#[test]
fn parquet_comes_back() {
    let node = filled();
    let everything = exported(&node, ALL);
    let (_dir, files) = to_parquet(&node.kill());
    assert_eq!(
        names(&files),
        ["1970-01-01.parquet", "2023-11-14.parquet", "2023-11-15.parquet", "2286-11-20.parquet"]
    );
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    assert_eq!(exported(&import(&files, &[]).start(), ALL), everything);
}

/// More days than files may be open, met in no order.
#[test]
fn many_days_make_many_files() {
    let node = Node::start();
    let mut lines = String::new();
    for day in 0..100 {
        let (first, second) = (86_400 * (day * 37 % 100 + 1), 86_400 * (day + 1) + 5);
        lines += &format!("put a {first} {day} h=1\nput b {second} {day}.25\n");
    }
    node.put_lines(&lines);
    let everything = exported(&node, ALL);
    let (_dir, files) = to_parquet(&node.kill());
    assert_eq!(files.len(), 100);
    assert_eq!(
        (&*names(&files)[0], &*names(&files)[99]),
        ("1970-01-02.parquet", "1970-04-11.parquet")
    );
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    assert_eq!(exported(&import(&files, &[]).start(), ALL), everything);
}

/// Prints what each reader finds, a line a row; doubles as their bits.
const READERS: &str = r#"
import glob, struct, sys
import duckdb, pyarrow.parquet as pq

files = sorted(glob.glob(sys.argv[1] + "/days/*.parquet"))

def bits(value):
    return None if value is None else struct.pack(">d", value).hex()

def show(who, metric, tags, ms, integer, double, histogram):
    if histogram is not None:
        h = histogram
        bounds = None if h["bounds"] is None else [bits(bound) for bound in h["bounds"]]
        data = None if h["bytes"] is None else bytes(h["bytes"]).hex()
        histogram = (h["underflow"], h["overflow"], bounds, h["counts"], h["codec_id"], data)
    print(who, repr(metric), sorted(dict(tags).items()), ms, integer, bits(double), histogram)

for file in files:
    query = 'SELECT metric, tags, epoch_ms("timestamp"), "integer", "float", histogram FROM read_parquet(?)'
    for row in duckdb.execute(query, [file]).fetchall():
        show("duckdb", *row)
    table = pq.read_table(file)
    assert str(table.schema.field("timestamp").type) == "timestamp[ms, tz=UTC]", table.schema
    ms = table["timestamp"].cast("int64").to_pylist()
    for row, ms in zip(table.drop(["timestamp"]).to_pylist(), ms):
        show("pyarrow", row["metric"], row["tags"], ms, row["integer"], row["float"], row["histogram"])
"#;

#[test]
fn duckdb_and_pyarrow_read_every_bit() {
    let Some(python) = python::with_packages(&["duckdb", "pyarrow"]) else { return };
    let (dir, _) = to_parquet(&filled().kill());
    let output = run(Command::new(python).args(["-c", READERS]).arg(dir.path()));
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for reader in ["duckdb", "pyarrow"] {
        let rows: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix(reader)?.strip_prefix(' ')).collect();
        assert_eq!(rows, ROWS, "{reader}");
    }
}

/// Day by day, in name order, then in time.
const ROWS: &[&str] = &[
    "'inf' [] 1 None 7ff0000000000000 None",
    "'inf' [] 2 None 3ff8000000000000 None",
    "'inf' [] 3 None fff0000000000000 None",
    "'n.integer' [('host', 'a')] 1000 9223372036854775807 None None",
    "'' [('only', 'labels')] 1700000000000 1 None None",
    "'lat' [('host', 'a')] 1700000000000 7 None None",
    "'lat' [('host', 'a')] 1700000000000 None None (0, 1, ['0000000000000000', '3ff8000000000000', '4017000000000000'], [42, 24], None, None)",
    "'lat' [('host', 'b')] 1700000060000 None None (5, 0, [], [], None, None)",
    "'lat' [('host', 'b')] 1700000180000 None None (None, None, None, None, 7, '00010203')",
    "'n.decimal' [] 1700000000500 None 403791eb851eb852 None",
    "'n.decimal' [] 1700000001500 None 4059000000000000 None",
    "'n.float' [('host', 'a')] 1700000000000 None 3fb999999999999a None",
    "'n.float' [('host', 'a')] 1700000001000 None 8000000000000000 None",
    "'n.float' [('host', 'a')] 1700000002000 None 0000000000000001 None",
    "'n.float' [('host', 'a')] 1700000003000 None 7fefffffffffffff None",
    "'n.float' [('host', 'a')] 1700000004000 None 3fd3333333333334 None",
    "'n.integer' [('host', 'a')] 1700000000000 -9223372036854775808 None None",
    "'n.mixed' [('a', '1'), ('b', '2')] 1700000000000 5 None None",
    "'n.mixed' [('a', '1'), ('b', '2')] 1700000060000 None 4016000000000000 None",
    "'no.tags' [] 1700000000000 3 None None",
    "'odd <\\'\"\\\\ name' [('a=b', 'c, \"d\"\\n e')] 1700000000000 1 None None",
    "'é=\\t\\x01' [('😀', 'x y')] 1700000000000 None 4004000000000000 None",
    "'lat' [('host', 'a')] 1700086400000 None None (-9223372036854775808, 0, ['0000000000000000', '3fb999999999999a'], [9223372036854775807], None, None)",
    "'n.integer' [('host', 'a')] 1700086400000 9007199254740993 None None",
    "'n.float' [('host', 'a')] 9999999999999 None 444b1ae4d6e2ef50 None",
];
