//! Put lines as the JSON that `/api/put` takes.

use std::io::Write;

use super::Outcome;

/// Appends the body with the points of whole `put` lines: an object for one, as agents send it,
/// else an array.
pub fn push_body(out: &mut Vec<u8>, lines: &[u8]) -> Outcome<()> {
    let start = out.len();
    let mut points = 0;
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        out.push(if points == 0 { b'[' } else { b',' });
        push_point(out, line)?;
        points += 1;
    }
    match points {
        0 => out.extend_from_slice(b"[]"),
        1 => drop(out.remove(start)),
        _ => out.push(b']'),
    }
    Ok(())
}

/// `put METRIC TIME VALUE KEY=VALUE...` as an object.
fn push_point(out: &mut Vec<u8>, line: &[u8]) -> Outcome<()> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let head = [words.next(), words.next(), words.next(), words.next()];
    let [Some(b"put"), Some(metric), Some(time), Some(value)] = head else {
        return Err(format!("not a put line: {:?}", String::from_utf8_lossy(line)).into());
    };
    out.extend_from_slice(br#"{"metric":""#);
    push_text(out, metric)?;
    out.extend_from_slice(br#"","timestamp":"#);
    out.extend_from_slice(time);
    out.extend_from_slice(br#","value":"#);
    out.extend_from_slice(value);
    out.extend_from_slice(br#","tags":{"#);
    for (at, tag) in words.enumerate() {
        let cut = tag.iter().position(|byte| *byte == b'=').ok_or("a tag without =")?;
        out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
        push_text(out, &tag[..cut])?;
        out.extend_from_slice(br#"":""#);
        push_text(out, &tag[cut + 1..])?;
        out.push(b'"');
    }
    out.extend_from_slice(b"}}");
    Ok(())
}

/// The inside of a string.
fn push_text(out: &mut Vec<u8>, text: &[u8]) -> Outcome<()> {
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            0..0x20 => write!(out, "\\u{byte:04x}")?,
            _ => out.push(*byte),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(lines: &str) -> String {
        let mut out = Vec::new();
        push_body(&mut out, lines.as_bytes()).expect("put lines");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn lines_become_objects() {
        let one = r#"{"metric":"m","timestamp":1,"value":2.5,"tags":{"a":"b","c":"\"\\"}}"#;
        assert_eq!(body("put m 1 2.5 a=b c=\"\\\n"), one);
        assert_eq!(
            body("put m 1 2.5 a=b  c=\"\\\r\nput n 3 4\n"),
            format!(r#"[{one},{{"metric":"n","timestamp":3,"value":4,"tags":{{}}}}]"#)
        );
        assert!(push_body(&mut Vec::new(), b"version\n").is_err());
    }
}
