//! Parquet files that pyarrow and DuckDB write, in every usual compression, give the same samples.

use std::fs;
use std::path::PathBuf;

use tempfile::tempdir;

use super::*;
use crate::common::python;

/// Writes what it reads in `days` once more in many ways to `written`, and in a way that is not read.
const WRITERS: &str = r#"
import glob, os, sys
import duckdb, pyarrow.parquet as pq, pyarrow as pa

home = sys.argv[1]
files = sorted(glob.glob(home + "/days/*.parquet"))
table = pa.concat_tables([pq.read_table(file) for file in files])
written = home + "/written/"
os.mkdir(written)
every = [(version, dictionary) for version in ["1.0", "2.0"] for dictionary in [True, False]]
for codec in ["snappy", "zstd", "gzip", "lz4", "none"]:
    for version, dictionary in every if codec in ["snappy", "zstd"] else every[1:3]:
        name = f"{written}pyarrow-{codec}-{version}-{'dictionary' if dictionary else 'plain'}.parquet"
        pq.write_table(table, name, compression=codec, data_page_version=version,
                       use_dictionary=dictionary, row_group_size=4000, data_page_size=4096,
                       write_batch_size=256)
pq.write_table(table, written + "pyarrow-as-it-likes.parquet")
duckdb.execute("CREATE TABLE samples AS SELECT * FROM read_parquet(?)", [files])
for options in ["", ", COMPRESSION zstd", ", COMPRESSION zstd, PARQUET_VERSION v2"]:
    name = f"{written}duckdb{''.join(c if c.isalnum() else '-' for c in options)}.parquet"
    duckdb.execute(f"COPY samples TO '{name}' (FORMAT parquet{options})")
for codec in ["snappy", "zstd"]:
    pq.write_table(table, f"{home}/damaged-{codec}.parquet", compression=codec, write_page_checksum=True)
pq.write_table(table, home + "/refused.parquet", compression={"metric": "snappy", "integer": "brotli"})
"#;

/// Enough of everything that pages are worth packing.
fn many_lines() -> String {
    let line = |n: u64| {
        let time = 1_600_000_000 + n / 4 * 15;
        match n % 4 {
            0 => format!("put many.counter {time} {} host=a\n", n * n),
            1 => format!("put many.double {time} {:e} host=a\n", 1.0 / (n + 1) as f64),
            2 => format!("put many.gauge {time} {}.25 host=b{} rack=x\n", n % 100, n / 2000),
            _ => format!("histogram many.h {time} u={n}:o=0:0,1.5={n}:1.5,2.5=1 host=a\n"),
        }
    };
    (0..9_000).map(line).collect()
}

#[test]
fn files_of_others_give_the_same_samples() {
    let Some(python) = python::with_packages(&["duckdb", "pyarrow"]) else { return };
    let node = filled();
    node.put_lines(&many_lines());
    let home = node.kill();
    let everything = export(&home.data(), &[]);
    let dir = tempdir().expect("a directory");
    let days = dir.path().join("days");
    export(&home.data(), &["--format", "parquet", "--output", days.to_str().expect("UTF-8")]);
    let output = run(Command::new(python).args(["-c", WRITERS]).arg(dir.path()));
    assert!(output.status.success(), "{}", said(&output));
    let written = fs::read_dir(dir.path().join("written")).expect("files").flatten();
    let written: Vec<PathBuf> = written.map(|file| file.path()).collect();
    assert_eq!(written.len(), 18);
    for file in written {
        let found = export(&import(&[&file], &[]).data(), &[]);
        assert!(found == everything, "{} has other samples", file.display());
    }
    let empty = Home::new(&[]);
    let to = empty.data();
    let failed = |file: &Path| {
        let output = tool("import", file, &["--to", to.to_str().expect("UTF-8")]);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        said(&output)
    };
    for codec in ["snappy", "zstd"] {
        let damaged = dir.path().join(format!("damaged-{codec}.parquet"));
        let mut bytes = fs::read(&damaged).expect("a file");
        // Within the first page of the first column, behind its head.
        bytes[100] ^= 1;
        fs::write(&damaged, bytes).expect("written");
        let expected = "not readable as Parquet: column `metric`: Parquet error: Page CRC checksum";
        assert!(failed(&damaged).contains(expected), "{}", failed(&damaged));
    }
    let refused = dir.path().join("refused.parquet");
    let expected = format!(
        "error: {}: column `integer` is compressed with BROTLI, which is not read here",
        refused.display()
    );
    assert!(failed(&refused).contains(&expected), "{}", failed(&refused));
}
