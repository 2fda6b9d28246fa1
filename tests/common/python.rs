//! A Python with packages that read what the tool writes, made once and kept under `target/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::require;

/// An interpreter that has these packages, or `None` after saying that the test is skipped.
pub fn with_packages(packages: &[&str]) -> Option<PathBuf> {
    let python = require::program("python3")?;
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    fs::create_dir_all(&home).expect("a directory under target");
    // Tests run side by side, and so may whole runs of them.
    let lock = File::create(home.join("LOCK")).expect("a lock file");
    lock.lock().expect("a lock");
    let (venv, done) = (home.join("venv"), home.join("packages"));
    let wanted = packages.join(" ");
    if fs::read_to_string(&done).is_ok_and(|found| found == wanted) {
        return Some(venv.join("bin/python"));
    }
    let made =
        run(Command::new(&python).args(["-m", "venv", "--clear"]).arg(&venv)).and_then(|()| {
            let pip = venv.join("bin/pip");
            run(Command::new(pip)
                .args(["install", "--quiet", "--disable-pip-version-check"])
                .args(packages))
        });
    match made {
        Ok(()) => {
            fs::write(&done, wanted).expect("a note of the packages");
            Some(venv.join("bin/python"))
        }
        Err(what) => {
            require::skip(&format!("cannot install {wanted} for Python: {what}"));
            None
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {said}")) }
}
