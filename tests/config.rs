//! Proves that settings come from the command line, the environment, a file and the defaults, in
//! this order; that `irontsd config` tells which; and that every mistake in a file is named with its
//! line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::node::irontsd;
use crate::common::process::Process;
use crate::common::snapshot::assert_snapshot;
use crate::common::transcript::transcript;
use crate::common::{Home, Json, Node};

/// A file in a directory of its own.
fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("irontsd.toml");
    fs::write(&file, text).expect("a file");
    (directory, file)
}

/// What `irontsd config show` says of a setting: its value and its source.
#[track_caller]
fn shown(command: &mut Command, setting: &str) -> (String, String) {
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let line = text.lines().find(|line| line.starts_with(&format!("{setting} = ")));
    let line = line.unwrap_or_else(|| panic!("no {setting} in {text}"));
    let (value, source) = line.split_once(" # ").expect("a source");
    let value = value.split_once(" = ").expect("a value").1.trim();
    (value.to_owned(), source.to_owned())
}

#[test]
fn command_line_before_environment_before_file_before_default() {
    let (_directory, file) = written("\nforget-after = \"3h\"\n");
    let show = |file: Option<&Path>| {
        let mut command = irontsd();
        command.args(["config", "show"]);
        file.into_iter().for_each(|file| {
            command.arg("--config").arg(file);
        });
        command
    };
    let is = |(value, source): (String, String), expected: (&str, &str)| {
        assert_eq!((value.as_str(), source.as_str()), expected);
    };
    let setting = "forget-after";
    is(shown(&mut show(None), setting), ("\"1h\"", "default"));
    let place = format!("{}:2", file.display());
    let mut command = show(Some(&file));
    is(shown(&mut command, setting), ("\"3h\"", &place));
    command.env("IRONTSD_FORGET_AFTER", "5h");
    is(shown(&mut command, setting), ("\"5h\"", "IRONTSD_FORGET_AFTER"));
    command.args(["--forget-after", "7h"]);
    is(shown(&mut command, setting), ("\"7h\"", "command line"));
    // The file itself may come from the environment.
    let mut command = show(None);
    command.env("IRONTSD_CONFIG", &file);
    is(shown(&mut command, setting), ("\"3h\"", &place));
}

#[test]
fn scripts_get_every_setting_with_its_source() {
    let (_directory, file) = written("forget-after = \"3h\"\n");
    let mut command = irontsd();
    command.args(["config", "show", "--json", "--strict", "--histogram-codec", "1=simple"]);
    let output = command.arg("--config").arg(&file).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json = Json::parse(&String::from_utf8(output.stdout).expect("UTF-8"));
    let held = |setting: &str| {
        let entry = json.get(setting);
        (entry.get("value").clone(), entry.get("from").str().to_owned())
    };
    let text = |text: &str| Json::Text(text.to_owned());
    assert_eq!(held("forget-after"), (text("3h"), format!("{}:1", file.display())));
    assert_eq!(held("strict"), (text("on"), "command line".to_owned()));
    assert_eq!(held("sync-interval"), (text("1s"), "default".to_owned()));
    let codecs = Json::Array(vec![text("1=simple")]);
    assert_eq!(held("histogram-codec"), (codecs, "command line".to_owned()));
    assert_eq!(*json.get("max-series"), Json::Null);
}

#[test]
fn a_node_runs_with_what_the_file_says() {
    let home = Home::new(&[]);
    let text = format!(
        "data-dir = {:?}\nopentsdb-listen = \"127.0.0.1:0\"\nhttp-listen = \"127.0.0.1:0\"\n\
         max-series = 1\nevent-loops = 2\nopentsdb-udp = false\n",
        home.data()
    );
    let (_directory, file) = written(&text);
    let mut with_command = irontsd();
    with_command.args(["serve", "--config"]).arg(&file);
    let mut without = irontsd();
    without.env("IRONTSD_CONFIG", &file);
    for mut command in [with_command, without] {
        let node = Node::ready(&home, Process::spawn(&mut command));
        node.put_lines("put m 1 1 h=a\n");
        assert_eq!(node.telnet().send("put other 1 1 h=a\n").barrier().len(), 1, "max-series");
        node.stop();
    }
    assert!(home.data().is_dir());
}

#[test]
fn what_is_shown_is_a_file_that_shows_the_same() {
    let given = ["--strict", "--histogram-codec", "1=simple,2=x", "--max-series", "7"];
    let values = |command: &mut Command| {
        let output = command.output().expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let first = values(irontsd().args(["config", "show"]).args(given));
    let (_directory, file) = written(&first);
    let second = values(irontsd().args(["config", "show", "--config"]).arg(&file));
    let settings = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| line.split(" # ").next().unwrap_or_default().trim().into())
            .collect()
    };
    assert_eq!(settings(&first), settings(&second));
    assert!(first.contains("strict = true") && first.contains(r#"["1=simple", "2=x"]"#), "{first}");
}

#[test]
fn the_packaged_file_is_what_the_program_prints_and_every_line_of_it_is_taken() {
    let output = irontsd().args(["config", "example", "--data-dir", "/var/lib/irontsd"]).output();
    let printed = String::from_utf8(output.expect("the program runs").stdout).expect("UTF-8");
    let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/irontsd.toml");
    if std::env::var_os("IRONTSD_REWRITE_SNAPSHOTS").is_some() {
        fs::write(&packaged, &printed).expect("a file");
    }
    let kept = fs::read_to_string(&packaged).expect("packaging/irontsd.toml");
    assert!(
        kept == printed,
        "packaging/irontsd.toml is not what `irontsd config example --data-dir /var/lib/irontsd` \
         prints; IRONTSD_REWRITE_SNAPSHOTS=1 writes it anew"
    );
    let uncommented: Vec<&str> =
        printed.lines().map(|line| line.strip_prefix('#').unwrap_or(line)).collect();
    let settings = uncommented.iter().filter(|line| !line.starts_with(' ')).copied();
    let settings: Vec<&str> = settings.filter(|line| line.contains(" = ")).collect();
    let (_directory, file) = written(&settings.join("\n"));
    let checked = irontsd().args(["config", "check"]).arg(&file).output().expect("it runs");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}\n{}", settings.join("\n"));
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(said.contains(&format!("{} settings", settings.len())), "{said}");
}

#[test]
fn mistakes() {
    let wrong = "data_dir = \"/var/lib/irontsd\"\nevent-loops = 1000\nstrict = \"maybe\"\n\n\
                 [serve]\nretention = \"90d\"\n";
    let (directory, file) = written(wrong);
    let directory = directory.path().display().to_string();
    let changes = [(directory.as_str(), "DIR")];
    let broken = file.with_file_name("broken.toml");
    fs::write(&broken, "# a comment\nretention = 90d\n").expect("a file");
    let latin = file.with_file_name("latin.toml");
    fs::write(&latin, b"strict = true\n# caf\xe9\n").expect("a file");
    let fine = file.with_file_name("fine.toml");
    fs::write(&fine, "strict = true\n\nretention = \"90d\"\n").expect("a file");
    let missing = file.with_file_name("missing.toml");
    let mut texts = Vec::new();
    for file in [&fine, &file, &broken, &latin, &missing] {
        texts.push(transcript(irontsd().args(["config", "check"]).arg(file), &changes));
    }
    for file in [&fine, &file] {
        let mut command = irontsd();
        texts.push(transcript(command.args(["config", "check", "--json"]).arg(file), &changes));
    }
    for file in [&file, &missing] {
        texts.push(transcript(irontsd().args(["serve", "--config"]).arg(file), &changes));
    }
    assert_snapshot("config-mistakes", &texts.join("\n"));
}
