//! Form fields as `curl -F` sends them: `multipart/form-data`, RFC 7578. Files are left out.

use memchr::memmem;

/// The fields of a body by its content type; none if it is of another kind.
pub fn fields(content_type: &str, body: &[u8]) -> Vec<(String, String)> {
    let Some(boundary) = boundary(content_type) else { return Vec::new() };
    // With a line end in front the first delimiter is like the others.
    let body = [b"\r\n", body].concat();
    let delimiter = format!("\r\n--{boundary}");
    let ends: Vec<usize> = memmem::find_iter(&body, delimiter.as_bytes()).collect();
    let parts = ends.windows(2).map(|pair| &body[pair[0] + delimiter.len()..pair[1]]);
    parts.filter_map(field).collect()
}

fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameter(parameters, "boundary").filter(|boundary| !boundary.is_empty())
}

/// A part: header lines, an empty line, the value.
fn field(part: &[u8]) -> Option<(String, String)> {
    let end = memmem::find(part, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&part[..end]);
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let name = parameter(disposition, "name")?.to_owned();
    let is_file = parameter(disposition, "filename").is_some();
    let value = String::from_utf8_lossy(&part[end + 4..]).into_owned();
    (!is_file).then_some((name, value))
}

/// `name=value` or `name="value"` among parameters separated by semicolons.
fn parameter<'a>(parameters: &'a str, wanted: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_but_no_files() {
        let body = b"preamble\r\n--B\r\nContent-Disposition: form-data; name=\"match[]\"\r\n\r\n\
                     {a=\"b;c\"}\r\n--B\r\ncontent-disposition: form-data; name=f; filename=x\r\n\r\n\
                     1\r\n--B\r\nX: y\r\n\r\n2\r\n--B\r\nContent-Disposition: form-data; name=end\r\n\r\n\
                     5\r\n--B--\r\nignored";
        let expected = [("match[]", "{a=\"b;c\"}"), ("end", "5")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(fields("Multipart/Form-Data; charset=x; boundary=\"B\"", body), expected);
        for kind in
            ["multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=B"]
        {
            assert_eq!(fields(kind, body), []);
        }
        for body in [&b""[..], b"--B", b"--B\r\n\r\n\r\n", b"--B--B--B"] {
            assert_eq!(fields("multipart/form-data; boundary=B", body), []);
        }
    }
}
