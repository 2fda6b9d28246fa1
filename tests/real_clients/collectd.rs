//! A collectd in the foreground that reads this machine every second and writes to one place.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// Where Debian keeps the plugin under test.
pub const PLUGIN: &str = "/usr/lib/collectd/write_tsdb.so";

/// Plugins that need nothing but /proc.
const READERS: [&str; 8] =
    ["cpu", "memory", "load", "interface", "df", "uptime", "vmem", "contextswitch"];

/// The command, with its configuration written to `home`.
pub fn command(program: &Path, home: &Path, node: SocketAddr) -> Command {
    let config = home.join("collectd.conf");
    fs::write(&config, configuration(home, node)).expect("a configuration");
    let mut command = Command::new(program);
    command.arg("-f").arg("-C").arg(config);
    command
}

fn configuration(home: &Path, node: SocketAddr) -> String {
    let readers: String = READERS.iter().map(|name| format!("LoadPlugin {name}\n")).collect();
    format!(
        r#"Hostname "test-host"
FQDNLookup false
Interval 1
BaseDir "{home}"
PIDFile "{home}/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin logfile
<Plugin logfile>
    LogLevel info
    File stderr
</Plugin>
{readers}LoadPlugin write_tsdb
<Plugin write_tsdb>
    <Node>
        Host "{host}"
        Port "{port}"
        HostTags "status=production"
        StoreRates false
        AlwaysAppendDS false
    </Node>
</Plugin>
"#,
        home = home.display(),
        host = node.ip(),
        port = node.port(),
    )
}
