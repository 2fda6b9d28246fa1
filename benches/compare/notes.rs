//! What the figures of the comparison mean.

/// Paragraph by paragraph.
pub const NOTES: [&str; 7] = [
    "The same bytes, made beforehand, go to each node in turn; each run starts on an empty \
     directory, so the first sample of every series is a new series.",
    "The senders run on the same cores as the server: points per second are those of both \
     together, CPU time is the server's alone (user and system, /proc/PID/stat).",
    "Accepted: IronTSD has answered `version` behind the last line of every connection, which \
     means logged and visible. VictoriaMetrics has closed every connection after its last line, \
     which means that the rows are in memory; it has no log.",
    "Sealed: every point lies in synced files. IronTSD is told to by /internal/force_flush; \
     VictoriaMetrics gets the same request and then writes after some 5 s by its own clock, so \
     compare its CPU there and not its seconds. Background merging runs as it does by default.",
    "Memory peaks: resident from VmHWM, anonymous sampled every 10 ms, both until sealed. Merged \
     too: all CPU from the first byte to the end of the merge that both are asked to do by \
     /internal/force_merge.",
    "Disk: allocated blocks of the data directory with log, index and segments, as `du -sk` counts \
     them: when sealed, when merged (the node still runs) and after a clean stop. VictoriaMetrics \
     writes its caches when it stops; `whole directory` has them, `no caches` leaves its directory \
     `cache` out. The export that is checked comes from the node started again behind that. File bytes are lengths of files, without what rounding to blocks and directories \
     add.",
    "GOGC and GOMAXPROCS are unset. Cores busy elsewhere, until accepted, should be near \
     0; a record with more was made on a machine that had other work.",
];

/// What is said besides of real series.
pub const NOTES_REAL: [&str; 2] = [
    "Values changed: an export is compared with what was sent, sample by sample, as doubles. \
     VictoriaMetrics keeps about fifteen digits in a block, fewer where large and small numbers \
     share one; IronTSD's values must all be as sent, or the run fails.",
    "The files are small: index, a directory for each month and rounding to blocks of 4 KiB weigh on \
     whole directories, so lengths of files stand beside them, and another record has each series many \
     times under a tag `copy`. Copies have the same timestamps, but each begins elsewhere in its \
     series' values, so that none lies beside its like; file bytes a point that stay the same show \
     that no codec gained by the repetition.",
];
