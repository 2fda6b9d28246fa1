//! A netdata in the foreground that keeps to itself: no web server, no cloud, no statistics
//! sent anywhere, everything it writes below one directory.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// The command, with its configuration written to `home`.
pub fn command(program: &Path, home: &Path, telnet: SocketAddr, http: SocketAddr) -> Command {
    for name in ["cache", "lib", "log"] {
        fs::create_dir(home.join(name)).expect("a directory");
    }
    fs::write(home.join("netdata.conf"), configuration(home)).expect("a configuration");
    fs::write(home.join("exporting.conf"), exporters(telnet, http)).expect("a configuration");
    fs::write(home.join(".opt-out-from-anonymous-statistics"), "").expect("a file");
    let mut command = Command::new(program);
    command.arg("-D").arg("-c").arg(home.join("netdata.conf")).arg("-P").arg(home.join("pid"));
    command.env("DISABLE_TELEMETRY", "1");
    command
}

fn configuration(home: &Path) -> String {
    // As root it would become the user `netdata`, who cannot write here.
    let root = rustix::process::geteuid().is_root();
    let user = if root { "run as user = root" } else { "" };
    let home = home.display();
    format!(
        "[global]
    {user}
[directories]
    config = {home}
    stock config = {home}
    cache = {home}/cache
    lib = {home}/lib
    log = {home}/log
    home = {home}/lib
    plugins = {home}/lib
    registry = {home}/lib
    lock = {home}/lib
[db]
    mode = ram
    update every = 1
[web]
    mode = none
[logs]
    debug = none
    error = stderr
    access = none
[health]
    enabled = no
[ml]
    enabled = no
[statsd]
    enabled = no
[cloud]
    enabled = no
[plugins]
    enable running new plugins = no
    check for new plugins every = 0
    apps = no
    tc = no
    cgroups = no
    idlejitter = no
    timex = no
    proc = yes
"
    )
}

/// One exporter over telnet and one over HTTP, both with netdata's default figures: averages.
/// (`as collected` sends time 0 for what was never collected, which OpenTSDB refuses.)
fn exporters(telnet: SocketAddr, http: SocketAddr) -> String {
    let more = "    enabled = yes\n    update every = 2\n    timeout ms = 10000\n";
    format!(
        "[exporting:global]
    enabled = yes
    update every = 2
    send configured labels = yes
[opentsdb:over_telnet]
{more}    destination = {telnet}
    data source = average
    prefix = telnet
    hostname = test-host
[opentsdb:http:over_http]
{more}    destination = {http}
    data source = average
    prefix = http
    hostname = test-host
"
    )
}
