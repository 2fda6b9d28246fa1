//! Lines that stand as the canonical name of their series stands: nothing is taken apart and put
//! together again. Most senders write them. It takes a subset of what `line` takes and gives the same
//! name; whatever is otherwise is left to `line`. What it gives was measured together with the
//! filters of sealed names: a sixth of the CPU of new series (DESIGN.md, "Names").

use super::fast::Fields;
use crate::point::RESERVED;
use crate::policy::Policy;
use memchr::memchr2_iter;

/// Writes the name of a regular line's series if its keys ascend, each word is one `key=value`, and all
/// is printed ASCII; whether it did.
pub fn name(fields: &Fields<'_>, policy: &Policy, out: &mut Vec<u8>) -> bool {
    let Fields { metric, tags, .. } = *fields;
    // Strict nodes allow fewer characters.
    if policy.strict || metric.is_empty() || metric.contains(&b'=') || !is_printed(metric) {
        return false;
    }
    if tags.is_empty() || !is_printed(tags) || !are_tidy(tags, policy.tags_max) {
        return false;
    }
    out.clear();
    out.extend_from_slice(metric);
    out.push(b' ');
    out.extend_from_slice(tags);
    true
}

/// To the end, without a look at each: that way many are compared at once.
fn is_printed(text: &[u8]) -> bool {
    text.iter().fold(true, |all, byte| all & (b' '..=b'~').contains(byte))
}

/// Whether each word is a key, one `=` and a value, and the keys ascend.
fn are_tidy(tags: &[u8], most: usize) -> bool {
    let (mut count, mut word, mut before) = (0, 0, &tags[..0]);
    let mut separators = memchr2_iter(b'=', b' ', tags);
    loop {
        let Some(sign) = separators.next().filter(|&at| tags[at] == b'=') else { return false };
        let key = &tags[word..sign];
        let end = separators.next();
        let value_bytes = end.unwrap_or(tags.len()) - sign - 1;
        count += 1;
        // The first key is behind nothing, which no key is behind.
        if key <= before || key == RESERVED || value_bytes == 0 || count > most {
            return false;
        }
        let Some(end) = end else { return true };
        if tags[end] != b' ' {
            return false;
        }
        (word, before) = (end + 1, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telnet::line;
    use proptest::prelude::*;

    fn tidy(metric: &str, tags: &str, policy: &Policy) -> Option<Vec<u8>> {
        let (metric, tags) = (metric.as_bytes(), tags.as_bytes());
        let mut out = Vec::new();
        name(&Fields { metric, timestamp: b"1", value: b"2", tags }, policy, &mut out)
            .then_some(out)
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_reading(
            metric in "[a=\u{1}é]{0,3}",
            tags in "([a-c=]{1,2}=[a-c=\u{7f}é]{0,2} ?){0,4}",
            tags_max in 1..4usize,
        ) {
            let policy = Policy { tags_max, ..Policy::default() };
            if let Some(found) = tidy(&metric, &tags, &policy) {
                let text = format!("{metric} 1 2 {tags}");
                let mut point = line::judge(Some(text.as_bytes()), &policy).expect("taken");
                let mut expected = Vec::new();
                point.tags.encode_name(point.metric, &mut expected);
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn what_is_taken() {
        let policy = Policy::default();
        for (metric, tags, taken) in [
            ("m", "a=b", true),
            ("sys.cpu-1", "a=b c=d/e f=0", true),
            ("m", "c=d a=b", false),
            ("m", "a=b a=b", false),
            ("m", "a=b  c=d", false),
            ("m", "a=b ", false),
            ("m", "a=b c", false),
            ("m", "a=", false),
            ("m", "=b", false),
            ("m", "a=b=c", false),
            ("m", "__name__=x", false),
            ("m", "", false),
            ("m=x", "a=b", false),
            ("", "a=b", false),
            ("m", "a=\u{e9}", false),
        ] {
            let expected = taken.then(|| format!("{metric} {tags}").into_bytes());
            assert_eq!(tidy(metric, tags, &policy), expected, "{metric} {tags}");
        }
        assert_eq!(tidy("m", "a=b c=d", &Policy { tags_max: 1, ..Policy::default() }), None);
        assert_eq!(tidy("m", "a=b", &Policy { strict: true, ..Policy::default() }), None);
    }
}
