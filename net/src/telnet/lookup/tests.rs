//! The lookup against a map, and what it remembers.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

fn has(lookup: &Lookup, metric: &[u8], tags: &[u8]) -> bool {
    let hashes = Hashes::of(metric, tags, &lookup.secrets);
    let found = |table: &Table| table.search(hashes, metric, tags).is_some();
    found(&lookup.table) || found(&lookup.older)
}

proptest! {
    /// Several connections walk the same few keys, so guesses hold and fail.
    #[test]
    fn agrees_with_a_map(
        lines in prop::collection::vec((0..3usize, "[ab]{0,3}", "[ab]{0,3}"), 0..300)
    ) {
        let mut lookup = Lookup::new(7, 1 << 20);
        let mut trails = [Trail::default(); 3];
        let mut model = HashMap::new();
        for (connection, metric, tags) in &lines {
            let trail = &mut trails[*connection];
            let found = lookup.find(metric.as_bytes(), tags.as_bytes(), trail);
            prop_assert_eq!(found, model.get(&(metric, tags)).copied());
            if found.is_none() {
                let series = model.len() as SeriesId;
                lookup.learn(metric.as_bytes(), tags.as_bytes(), series, trail);
                model.insert((metric, tags), series);
            }
        }
    }
}

/// Whoever has found keys that collide in one node has found none that do in another.
#[test]
fn keys_that_collide_under_one_seed_do_not_under_others() {
    let upper = |seed: u64, key: usize| {
        let secrets = RapidSecrets::seed(seed);
        Hashes::of(format!("metric{key}").as_bytes(), b"h=a", &secrets).upper()
    };
    let colliding: Vec<usize> = (0..500_000).filter(|&key| upper(7, key) >> 20 == 0).collect();
    assert!(colliding.len() > 64, "{} keys share a 4096th of the table", colliding.len());
    for seed in 8..40 {
        let stays = colliding.iter().filter(|&&key| upper(seed, key) >> 20 == 0).count();
        assert!(stays < 8, "{stays} of {} still collide under seed {seed}", colliding.len());
    }
}

#[test]
fn what_came_once_is_guessed_the_second_time() {
    let (mut lookup, mut trail) = (Lookup::new(7, 1 << 20), Trail::default());
    let metrics: Vec<String> = (0..9).map(|at| format!("metric{at}")).collect();
    for (series, metric) in (0..).zip(&metrics) {
        lookup.learn(metric.as_bytes(), b"k=v", series, &mut trail);
    }
    let mut trail = Trail(0);
    let mut guesses = lookup.guesses(&trail);
    for series in 1..9 {
        assert_eq!(guesses.peek().map(|guess| guess.series), Some(series));
        guesses.advance(&mut trail);
    }
    assert!(guesses.peek().is_none());
}

#[test]
fn what_is_asked_for_stays_and_the_rest_goes() {
    let bytes_max = 100_000;
    let mut lookup = Lookup::new(7, bytes_max);
    let mut trail = Trail::default();
    lookup.learn(b"wanted", b"k=v", 7, &mut trail);
    for series in 0..50_000u32 {
        let metric = format!("metric{series}");
        lookup.learn(metric.as_bytes(), b"k=v", series, &mut trail);
        assert_eq!(lookup.find(metric.as_bytes(), b"k=v", &mut trail), Some(series));
        assert_eq!(lookup.find(b"wanted", b"k=v", &mut trail), Some(7));
        assert!(lookup.table.bytes() + lookup.older.bytes() <= bytes_max);
    }
    assert!(!has(&lookup, b"metric0", b"k=v"));
    assert!(has(&lookup, b"metric49000", b"k=v"));
    assert!(!has(&lookup, b"metric49000", b"k=w"));
}

#[test]
fn what_nobody_asks_for_is_forgotten_in_time() {
    let (mut lookup, mut trail) = (Lookup::new(7, 1 << 20), Trail::default());
    lookup.learn(b"quiet", b"k=v", 1, &mut trail);
    lookup.learn(b"busy", b"k=v", 2, &mut trail);
    for minute in 1..30 {
        lookup.age(Duration::from_secs(minute * 60), Duration::from_secs(600));
        assert_eq!(lookup.find(b"busy", b"k=v", &mut trail), Some(2));
        assert_eq!(has(&lookup, b"quiet", b"k=v"), minute < 20, "{minute}");
    }
    assert_eq!(lookup.older.entries.len() + lookup.table.entries.len(), 2);
}

#[test]
fn equal_metrics_and_tags_are_kept_once() {
    let (mut lookup, mut trail) = (Lookup::new(7, 1 << 20), Trail::default());
    for series in 0..1000 {
        let (metric, tags) = (format!("metric{}", series % 10), format!("h={}", series / 10));
        lookup.learn(metric.as_bytes(), tags.as_bytes(), series, &mut trail);
    }
    let Table { metrics, tags, .. } = &lookup.table;
    assert_eq!(metrics.len(), 10 * (7 + 5));
    assert!(tags.len() <= 600, "{}", tags.len());
}
