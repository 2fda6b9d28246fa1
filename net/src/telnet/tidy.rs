//! Lines whose words stand as they do in the canonical name of their series, but perhaps in another order:
//! nothing is taken apart further than that, and no memory is asked for. Most senders write them. It takes
//! a subset of what `line` takes and gives the same name; whatever is otherwise is left to `line`. What it
//! gives was measured together with the filters of sealed names: a sixth of the CPU of new series
//! (DESIGN.md, "Names").

use super::fast::Fields;
use crate::point::RESERVED;
use crate::policy::Policy;
use memchr::memchr2_iter;

/// Lines with more tags are left to `line`.
const TAGS_MAX: usize = 16;

/// `key=value`.
#[derive(Clone, Copy, Default)]
struct Word<'a> {
    key: &'a [u8],
    whole: &'a [u8],
}

/// Writes the name of a line's series if each word behind the metric is one `key=value`, no key comes
/// twice, and all is printed ASCII; whether it did.
pub fn name(fields: &Fields<'_>, policy: &Policy, out: &mut Vec<u8>) -> bool {
    let Fields { metric, tags, .. } = *fields;
    // Strict nodes allow fewer characters.
    if policy.strict || metric.is_empty() || metric.contains(&b'=') || !is_printed(metric) {
        return false;
    }
    if tags.is_empty() || !is_printed(tags) {
        return false;
    }
    let mut words = [Word::default(); TAGS_MAX];
    let Some(order) = split(tags, policy.tags_max, &mut words) else { return false };
    out.clear();
    out.extend_from_slice(metric);
    match order {
        Order::Ascending => {
            out.push(b' ');
            out.extend_from_slice(tags);
        }
        Order::Other(count) => {
            let words = &mut words[..count];
            words.sort_unstable_by_key(|word| word.key);
            if words.windows(2).any(|pair| pair[0].key == pair[1].key) {
                return false;
            }
            for word in words {
                out.push(b' ');
                out.extend_from_slice(word.whole);
            }
        }
    }
    true
}

/// To the end, without a look at each: that way many are compared at once.
fn is_printed(text: &[u8]) -> bool {
    text.iter().fold(true, |all, byte| all & (b' '..=b'~').contains(byte))
}

/// How the keys follow each other.
enum Order {
    /// Each is behind the one before.
    Ascending,
    /// Otherwise; so many there are.
    Other(usize),
}

/// Splits tags of which each is a key, one `=` and a value.
fn split<'a>(tags: &'a [u8], most: usize, words: &mut [Word<'a>; TAGS_MAX]) -> Option<Order> {
    let (mut count, mut start, mut ascend, mut before) = (0, 0, true, &tags[..0]);
    let mut separators = memchr2_iter(b'=', b' ', tags);
    loop {
        let sign = separators.next().filter(|&at| tags[at] == b'=')?;
        let next = separators.next();
        let end = next.unwrap_or(tags.len());
        let (key, whole) = (&tags[start..sign], &tags[start..end]);
        if key.is_empty() || key == RESERVED || end == sign + 1 || count == most {
            return None;
        }
        *words.get_mut(count)? = Word { key, whole };
        count += 1;
        ascend &= key > before;
        if next.is_none() {
            return Some(if ascend { Order::Ascending } else { Order::Other(count) });
        }
        if tags[end] != b' ' {
            return None;
        }
        (start, before) = (end + 1, key);
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
            ("m", "a=b a=b", false),
            ("m", "b=a c=d b=a", false),
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
        assert_eq!(tidy("m", "c=d a=b b=z", &policy).as_deref(), Some(&b"m a=b b=z c=d"[..]));
        let tags =
            |count| (0..count).rev().map(|at| format!("k{at:02}=v")).collect::<Vec<_>>().join(" ");
        let many = Policy { tags_max: 100, ..Policy::default() };
        assert!(tidy("m", &tags(TAGS_MAX), &many).is_some());
        assert_eq!(tidy("m", &tags(TAGS_MAX + 1), &many), None);
        assert_eq!(tidy("m", "a=b c=d", &Policy { tags_max: 1, ..Policy::default() }), None);
        assert_eq!(tidy("m", "a=b", &Policy { strict: true, ..Policy::default() }), None);
    }
}
