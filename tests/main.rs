//! Black-box tests of the `irontsd` binary: sockets in, `/api/v1/export` out.
//!
//! One module for each family of promises; each says at its top what it proves. A test that
//! lacks a program says so and is skipped; `IRONTSD_REQUIRE_ALL=1` turns that into a failure.
//! `IRONTSD_TEST_SEED` replays the random tests.

#![expect(clippy::disallowed_methods, reason = "the tests stand outside the node's doors")]

mod common;

mod abuse; // Endless lines, bombs and other people's protocols cost a clear error and little memory.
mod assign; // Names made known by hand may be used, stay known, and are suggested.
mod bench; // The load generator sends what it says, and tells what became of it.
mod cardinality; // New series are refused beyond the limits, known ones never.
mod commands; // Help and mistakes of every command read as the snapshots say.
mod concurrency; // Exports taken while points stream in show a prefix of what was sent.
mod config; // Settings come from four places in order, and files are checked line by line.
mod conformance; // Every case of tests/cases/ passes or is listed as pending.
mod cors; // Pages of other sites read answers only where the node was told so.
mod crowds; // Idle, hasty and slow clients cost a bound each and disturb nobody.
mod damage; // Torn log tails are cut; damage elsewhere is named and never becomes a sample.
mod deleting; // Deletes and retention take what they name, at once and for good, and nothing else.
mod duplicates; // The last acknowledged write of a series and time wins, wherever and whenever.
mod exact_values; // Every number and time comes back as it was sent, to the last bit.
mod export; // Exports are ordered, complete snapshots, and slow readers harm only themselves.
mod export_arguments; // Times, selectors and limits of an export mean what the documents say.
mod export_shapes; // Put lines can be replayed, tables are quoted, packed answers are the same.
mod faults; // Files lost under a running node are named, and exports tell what they could not read.
mod first_contact; // A start that must fail says why and what to do.
mod following; // Connections that go from loop to loop lose nothing on the way.
mod golden; // Data directories of every version of the format are read forever.
mod histograms; // Histograms in every form, beside numbers and as durable as they.
mod http; // The HTTP endpoints answer as documented.
mod http_wire; // HTTP framing: splits, chunks, pipelines, encodings, limits.
mod import; // What one node exports another imports.
mod inspect; // What inspect and verify print for eyes, for scripts and on a terminal.
mod instructions; // Every set of vector instructions gives the same answers and files.
mod interrupted; // Calls that are interrupted or end early lose nothing.
mod kairosdb; // KairosDB's lines and bodies, with its answers.
mod kill; // 200 times kill -9 under load: nothing acknowledged is lost, nothing is invented.
mod kill_calls; // A death at any chosen system call loses nothing acknowledged.
mod memory; // In a small control group floods are refused, and nobody is killed.
mod merging; // Merges change nothing that a reader sees, whatever interrupts them.
mod monitoring; // Metrics, the list of refused lines and the probes tell the truth.
mod offline; // Exports and imports without a node, in every form.
mod operations; // Metrics, alerts, dashboard, unit, logs and readiness fit the running node.
mod paging; // Lists of labels, values and series come in bounded memory or in pages that make up the whole.
mod put; // /api/put stores good points, names bad ones and counts both.
mod readme; // The README's tour works as pasted.
mod real_clients; // collectd and netdata work, and the export is what they sent.
mod recovery; // Whatever ends the node, the next start has every acknowledged point.
mod regressions; // One test for each defect ever found.
mod repair; // What is not damaged survives a repair, to the last sample.
mod seed_documents; // The examples of the two documents this project began with work as written.
mod smuggling; // Requests that two readers could take apart differently are refused, split or whole.
mod snapshots; // A snapshot is a directory with exactly what there was, and never changes.
mod startup; // Flags, environment, addresses, the directory lock and the start-up lines.
mod states; // While points cannot be taken everybody is told, reads go on, and it ends by itself.
mod syncing; // An acknowledgement that promises a sync waits for one.
mod telnet; // The telnet commands and framing.
mod telnet_errors; // Bad telnet lines get OpenTSDB's answers and harm nothing else.
mod udp; // Lines in datagrams are stored like those of connections, and never answered.
mod verify; // Every byte of a directory is checked, and what is broken is named.
mod victoria_metrics; // Exports survive the way through VictoriaMetrics and back.
mod volume; // 20 million points come back as the same multiset.
