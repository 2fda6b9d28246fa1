//! Fuzzing guided by coverage: what reads bytes from outside, each for eight seconds from its kept seeds.
//! Longer: `.ci/fuzz`.
#![expect(clippy::print_stdout, reason = "says how often each target was tried")]

use std::path::Path;
use std::process::Command;

#[path = "common/require.rs"]
mod require;

#[test]
fn no_target_fails_within_eight_seconds() {
    // libFuzzer comes as source.
    if require::program("c++").is_none() || require::program("bash").is_none() {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut fuzz = Command::new("bash");
    fuzz.current_dir(root).args([".ci/fuzz", "--seconds", "8", "--jobs", "2"]);
    let output = fuzz.output().expect("bash starts");
    let (told, said) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{told}");
    assert!(output.status.success(), "{told}{said}");
    let tried = told.lines().filter(|line| line.ends_with(" ok")).count();
    let targets = root.join("tests/fuzz/fuzz_targets").read_dir().expect("readable").count();
    assert_eq!(tried, targets, "{told}{said}");
}
